import Testing

@testable import Supervision

@Suite struct ExitSentenceTests {
    private static let operation = "0190a5c4-3b6e-7c2f-9d8e-1f2a3b4c5d6e"

    private func text(
        _ cause: ExitCause?,
        _ status: WaitStatus? = nil,
        _ change: (inout ExitSentence) -> Void = { _ in }
    ) -> String {
        var sentence = ExitSentence(status: status, cause: cause)
        change(&sentence)
        return sentence.text
    }

    private func asked(_ sentence: inout ExitSentence) {
        sentence.requestedBy = "uid:0"
        sentence.operationID = Self.operation
    }

    @Test func anEndByItselfIsToldByItsStatus() {
        #expect(self.text(.finished, WaitStatus(exitCode: 0)) == "exited with code 0")
        #expect(self.text(.finished, WaitStatus(exitCode: 3)) == "exited with code 3, which counts as success")
        #expect(self.text(.finished, WaitStatus(signal: .terminate)) == "ended by SIGTERM, which counts as success")
        #expect(self.text(.errorExit, WaitStatus(exitCode: 255)) == "exited with code 255")
        #expect(self.text(.unknown) == "ended, and nobody can tell how")
    }

    @Test func aCrashTellsTheSignalAndTheCore() {
        #expect(self.text(.crashed, WaitStatus(signal: .segmentationViolation)) == "crashed with SIGSEGV")
        let dumped = WaitStatus(signal: .abort, coreDumped: true)
        #expect(self.text(.crashed, dumped) == "crashed with SIGABRT (core dumped)")
        #expect(
            self.text(.crashed, dumped, self.asked)
                == "crashed with SIGABRT (core dumped) when it was stopped for operation \(Self.operation) of uid:0"
        )
    }

    @Test func aStrangersSignalIsNotTheAgents() {
        #expect(self.text(.killed, WaitStatus(signal: .hangup)) == "killed by SIGHUP, which the agent did not send")
        #expect(
            self.text(.killed, WaitStatus(signal: .quit, coreDumped: true))
                == "killed by SIGQUIT (core dumped), which the agent did not send"
        )
        #expect(
            self.text(.killed, WaitStatus(signal: .hangup), self.asked)
                == "killed by SIGHUP, sent by operation \(Self.operation) of uid:0"
        )
    }

    @Test func whetherItWasForWantOfMemoryIsTold() {
        let status = WaitStatus(signal: .kill)
        func killed(_ oom: OutOfMemory?, _ evidence: OutOfMemoryEvidence? = nil) -> String {
            self.text(oom == .yes ? .oomKilled : .killed, status) {
                $0.oom = oom
                $0.circumstances.evidence = evidence
            }
        }
        #expect(killed(.no) == "killed by SIGKILL, which neither the agent nor the kernel's OOM killer sent")
        #expect(
            killed(.unknown)
                == "killed by SIGKILL, which the agent did not send; whether the kernel's OOM killer did cannot be told"
        )
        #expect(
            killed(.suspected)
                == "killed by SIGKILL, which the agent did not send; it may have been the kernel's OOM killer, "
                + "which killed something at that time"
        )
        #expect(
            killed(.suspected, .init(within: .milliseconds(2345)))
                == "killed by SIGKILL, which the agent did not send; it may have been the kernel's OOM killer, "
                + "which killed something in the 2.3 s before"
        )
        let yes = "killed by SIGKILL, which the agent did not send; the kernel's OOM killer did"
        #expect(killed(.yes) == yes)
        #expect(killed(.yes, .init()) == yes)
        let mebibyte: Int64 = 1 << 20
        #expect(
            killed(.yes, .init(usedBytes: 512 * mebibyte - 1, limitBytes: 512 * mebibyte))
                == yes + " (memory 511 of 512 MiB)"
        )
        #expect(killed(.yes, .init(usedBytes: 4096, limitBytes: 65536)) == yes + " (memory 4 of 64 KiB)")
        #expect(killed(.yes, .init(usedBytes: 3 * mebibyte)) == yes + " (memory 3 MiB, without a limit of its own)")
        #expect(killed(.yes, .init(limitBytes: 3 * mebibyte)) == yes + " (memory limit 3 MiB)")
        #expect(killed(nil) == "killed by SIGKILL, which the agent did not send", "a value of a later version")
    }

    @Test func anEndThatWasAskedForNamesWhoAsked() {
        let asked = " when it was stopped for operation \(Self.operation) of uid:0"
        #expect(self.text(.stopped, WaitStatus(signal: .terminate), self.asked) == "ended by SIGTERM" + asked)
        #expect(self.text(.stopped, WaitStatus(exitCode: 7), self.asked) == "exited with code 7" + asked)
        #expect(
            self.text(.stopped, WaitStatus(exitCode: 0)) {
                $0.escalated = true
                $0.requestedBy = "signal:SIGTERM"
            } == "exited with code 0 after its grace period, when it was stopped for signal:SIGTERM"
        )
    }

    @Test func aStopTimeoutTellsWhatWasTriedForHowLong() {
        func timeout(_ method: StopMethod?, _ grace: Duration?) -> String {
            self.text(.stopTimeout, WaitStatus(signal: .kill)) {
                $0.escalated = true
                $0.requestedBy = "uid:0"
                $0.circumstances.stopMethod = method
                $0.circumstances.grace = grace
            }
        }
        let rest = " when it was stopped for uid:0, and was killed"
        #expect(timeout(.signal(.terminate), .milliseconds(10_002)) == "did not end within 10 s of SIGTERM" + rest)
        #expect(timeout(.command, .milliseconds(300)) == "did not end within 0.3 s of its stop command" + rest)
        #expect(timeout(nil, .seconds(600)) == "did not end within 10 min" + rest)
        #expect(timeout(nil, nil) == "did not end within its grace period" + rest)
    }

    @Test func aStartThatFailedTellsItsError() {
        let error: (inout ExitSentence) -> Void = { $0.errorMessage = "cannot execute /x: No such file or directory" }
        #expect(self.text(.execFailed, nil, error) == "cannot execute /x: No such file or directory")
        #expect(
            self.text(.stopped) {
                $0.errorMessage = "the start was aborted before it began"
                $0.requestedBy = "uid:0"
            } == "the start was aborted before it began when it was stopped for uid:0"
        )
        #expect(
            self.text(.stopTimeout) {
                $0.errorMessage = "the start was aborted before /x was executed"
                $0.requestedBy = "uid:0"
            } == "the start was aborted before /x was executed after the grace period, when it was stopped for uid:0"
        )
    }

    @Test func anEndThatTheAgentWantedTellsWhy() {
        let status = WaitStatus(signal: .terminate)
        #expect(
            self.text(.checkFailed, status) == "did not pass its health check and was told to end; ended by SIGTERM"
        )
        #expect(self.text(.startTimeout, status) == "was not ready in time and was told to end; ended by SIGTERM")
        #expect(
            self.text(.memoryLimit, WaitStatus(exitCode: 0))
                == "used more memory than it may and was told to end; exited with code 0"
        )
    }

    @Test func aCauseOfALaterVersionIsToldByItsStatus() {
        #expect(self.text(nil, WaitStatus(signal: .terminate)) == "ended by SIGTERM")
        #expect(self.text(nil, nil) == "ended, and nobody can tell how")
    }

    @Test func aRecordTellsWhatFollows() throws {
        var fixture = MachineFixture.running()
        let record = try #require(fixture.exited(.init(status: WaitStatus(exitCode: 3))).exit)
        #expect(record.sentence == "exited with code 3; restart at once")
        #expect(record.summary == "exited with code 3; restart at once")
    }

    @Test func aRecordOfAStopTimeoutKnowsTheSignalAndTheGrace() throws {
        var fixture = MachineFixture.running { $0.stop.grace = .seconds(10) }
        fixture.stop()
        fixture.wait(.seconds(10))
        fixture.wait(.seconds(1))
        let record = try #require(fixture.exited(.init(status: WaitStatus(signal: .kill))).exit)
        #expect(record.circumstances == ExitCircumstances(stopMethod: .signal(.terminate), grace: .seconds(10)))
        let operation = try #require(MachineFixture.requester.operationID)
        #expect(
            record.sentence
                == "did not end within 10 s of SIGTERM when it was stopped for operation \(operation) of uid:0, "
                + "and was killed; stays down"
        )
    }

    @Test func theGraceOfARunThatWasBeingStartedBeginsWhenItIsTold() throws {
        var fixture = MachineFixture { $0.stop.grace = .seconds(10) }
        fixture.start()
        fixture.stop()
        fixture.wait(.seconds(4))
        fixture.spawned()
        fixture.wait(.seconds(6))
        let record = try #require(fixture.exited(.init(status: WaitStatus(signal: .kill))).exit)
        #expect(record.cause == .stopTimeout)
        #expect(record.circumstances.grace == .seconds(6))
    }

    @Test func aRecordKeepsTheEvidenceOnlyWhereItIsTheCause() throws {
        let evidence = OutOfMemoryEvidence(usedBytes: 511 << 20, limitBytes: 512 << 20)
        func record(_ signal: Signal) throws -> ExitRecord {
            var fixture = MachineFixture.running()
            return try #require(
                fixture.exited(.init(status: WaitStatus(signal: signal), oom: .yes, evidence: evidence)).exit
            )
        }
        let killed = try record(.kill)
        #expect(killed.circumstances.evidence == evidence)
        #expect(killed.summary == "killed by the kernel's OOM killer; restart at once")
        #expect(
            killed.sentence
                == "killed by SIGKILL, which the agent did not send; the kernel's OOM killer did "
                + "(memory 511 of 512 MiB); restart at once"
        )
        #expect(try record(.terminate).circumstances.evidence == nil)
    }
}
