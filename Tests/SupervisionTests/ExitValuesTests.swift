import Supervision
import Testing

@Suite struct ExitValuesTests {
    @Test func anExitMatchComparesWithTheWholeStatus() {
        #expect(ExitMatch.code(139).matches(WaitStatus(exitCode: 139)))
        #expect(!ExitMatch.code(139).matches(WaitStatus(signal: .segmentationViolation, coreDumped: true)))
        #expect(!ExitMatch.code(11).matches(WaitStatus(signal: .segmentationViolation)))
        #expect(ExitMatch.signal(.terminate).matches(WaitStatus(signal: .terminate)))
        #expect(ExitMatch.signal(.abort).matches(WaitStatus(signal: .abort, coreDumped: true)))
        #expect(!ExitMatch.signal(.terminate).matches(WaitStatus(exitCode: 15)))
        #expect(!ExitMatch.code(0).matches(WaitStatus(rawValue: 0xffff)))
    }

    @Test func onlyWhatCannotGetBetterByItselfIsPermanent() {
        for name in ["ENOENT", "EACCES", "ENOTDIR", "ELOOP", "ENOEXEC"] {
            #expect(StartError(stage: "exec", errno: 1, errnoName: name, message: "").isPermanent, "\(name)")
        }
        for name in ["EAGAIN", "ENOMEM", "ETXTBSY", "EMFILE", "ENFILE", "EIO", "EPERM", ""] {
            #expect(!StartError(stage: "exec", errno: 1, errnoName: name, message: "").isPermanent, "\(name)")
        }
    }

    @Test func instancesAreOrderedByWorkerAndThenByIndex() {
        let ids = ["web.10", "db.0", "web.2", "web.0"].map { text in
            let parts = text.split(separator: ".")
            return InstanceID(worker: String(parts[0]), index: Int(parts[1]) ?? -1)
        }
        #expect(ids.sorted().map(\.description) == ["db.0", "web.0", "web.2", "web.10"])
    }

    @Test func theWordsOfTheContractAreTheRawValues() {
        #expect(
            ExitCause.allCases.map(\.rawValue) == [
                "finished", "error_exit", "crashed", "killed", "oom_killed", "stopped", "stop_timeout", "check_failed",
                "start_timeout", "memory_limit", "exec_failed", "unknown",
            ]
        )
        #expect(ExitOutcome.allCases.map(\.rawValue) == ["exited", "signaled", "not_started", "unknown"])
        #expect(OutOfMemory.allCases.map(\.rawValue) == ["yes", "suspected", "no", "unknown"])
        #expect(ExitDecision.Action.allCases.map(\.rawValue) == ["restart", "stay_down", "give_up", "hold"])
        #expect(
            InstanceState.allCases.map(\.rawValue) == [
                "stopped", "waiting", "starting", "running", "stopping", "backoff", "finished", "failed",
            ]
        )
        #expect(OperationState.allCases.map(\.rawValue) == ["pending", "running", "succeeded", "failed", "aborted"])
        #expect(RestartPolicy.allCases.map(\.rawValue) == ["always", "on-failure", "never"])
    }
}
