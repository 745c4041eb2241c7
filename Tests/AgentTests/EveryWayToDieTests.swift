import ControlMessages
import Glibc
import Supervision
import TestSupport
import Testing

extension AgentTests {
    /// Runs that end by themselves, or by a stranger, in every way that there is. Each must give exactly the record that it
    /// deserves.
    @Suite struct EveryWayToDieTests {
        /// Takes the number of the run from a file, beginning with 0, into `n`.
        private static let count = "read n <count || n=0; echo $((n + 1)) >count"

        /// Restarts as fast as is allowed, and without chance, so that delays are exact.
        private static let fast = #"backoff = { initial = "1ms", max = "1ms", jitter = 0.0 }"#

        @Test func everyExitCodeIsToldAsItIs() throws {
            let agent = try AgentProcess(
                shellWorker("job", Self.count + "; exit $n", "restart = \"always\"\nno_restart = [255]\n" + Self.fast)
            )
            let exits = try agent.waitForExits(of: "job", count: 256)
            try agent.waitFor("job", toBe: "failed")
            #expect(exits.count == 256)
            for (code, exit) in exits.enumerated() {
                ExpectedExit(
                    worker: "job",
                    waitStatus: WaitStatus(exitCode: Int32(code)),
                    cause: code == 0 ? "finished" : "error_exit",
                    action: code == 255 ? "stay_down" : "restart",
                    delay: code == 0 || code == 255 ? 0 : 0.001,
                    failures: code + 1
                ).check(exit)
            }
            #expect(zip(exits, exits.dropFirst()).allSatisfy { $1.seq == $0.seq + 1 })
            #expect(Set(exits.map(\.runID)).count == 256)
        }

        /// Those whose default action ends a process (signal(7)).
        static let fatal: [Int32] =
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31]
            + Array(34...64)
        /// Those whose default action is a core dump.
        static let dumping: Set<Int32> = [3, 4, 5, 6, 7, 8, 11, 24, 25, 31]
        /// Those that a program which goes wrong ends with.
        static let faults: Set<Int32> = [4, 5, 6, 7, 8, 11, 24, 25, 31]

        @Test func everyFatalSignalIsToldWithoutACoreWhereThereIsNone() throws {
            // core(5): a program in core_pattern gets the dump whatever the limit is.
            try Self.dieOfEverySignal(coreLimit: "0", dumps: CoreDumps.goToAProgram ? nil : false)
        }

        @Test(.enabled(if: CoreDumps.areAllowed, "core dumps go elsewhere, or their limit cannot be raised"))
        func everyFatalSignalIsToldWithItsCore() throws {
            try Self.dieOfEverySignal(coreLimit: "unlimited", dumps: true)
        }

        /// - Parameter dumps: whether signals that dump core do so; `nil` when that cannot be known.
        private static func dieOfEverySignal(coreLimit: String, dumps: Bool?) throws {
            let kills = outOfMemoryKills()
            let script = """
                ulimit -c \(coreLimit)
                \(self.count)
                set -- \(self.fatal.map(String.init).joined(separator: " "))
                shift $n
                if [ $# -eq 0 ]; then exec sleep 1000; fi
                kill -$1 $$
                exit 99
                """
            let agent = try AgentProcess(shellWorker("job", script, self.fast))
            let exits = try agent.waitForExits(of: "job", count: self.fatal.count)
            for (index, exit) in exits.enumerated() {
                let number = self.fatal[index]
                let dumped = self.dumping.contains(number) && (dumps ?? exit.coreDumped)
                ExpectedExit(
                    worker: "job",
                    waitStatus: WaitStatus(signal: Signal(number), coreDumped: dumped),
                    cause: self.faults.contains(number) ? "crashed" : "killed",
                    oom: number == SIGKILL ? oomOfAStrangersKill(since: kills) : ["no"],
                    action: "restart",
                    delay: index == 0 ? 0 : 0.001,
                    failures: index + 1
                ).check(exit)
            }
            #expect(exits.count == self.fatal.count)
            let table = try agent.reeve("exits", "job").output
            let crash = dumps == true ? "crashed with SIGSEGV (core dumped)" : "crashed with SIGSEGV"
            #expect(table.contains(crash), "\(table)")
        }

        @Test func aProgramThatCannotBeExecutedHasNoStatus() throws {
            let agent = try AgentProcess("[workers.job]\ncommand = [\"/nonexistent/program\"]\n")
            let exit = try agent.waitForFirstExit(of: "job")
            let message = "cannot execute /nonexistent/program: No such file or directory"
            ExpectedExit(
                worker: "job",
                waitStatus: nil,
                cause: "exec_failed",
                error: StartErrorMessage(stage: "exec", errno: "ENOENT", message: message),
                action: "give_up",
                failures: 1
            ).check(exit)
            try agent.eventually("the log tells it") { agent.log.contains("\(message); given up") }
        }

        @Test(arguments: [SIGKILL, SIGHUP, SIGTERM, SIGSEGV])
        func aStrangersSignalIsNotTheAgents(number: Int32) throws {
            let kills = outOfMemoryKills()
            let agent = try AgentProcess(shellWorker("web", "ulimit -c 0; " + lives))
            let pid = try agent.waitForPID(of: "web")
            // Before that the shell would take the signal.
            try agent.eventually("it sleeps") { ProcessEntry(pid: pid)?.command == "sleep" }
            sendSignal(number, to: pid)
            let exit = try agent.waitForFirstExit(of: "web")
            #expect(exit.pid == pid)
            ExpectedExit(
                worker: "web",
                waitStatus: WaitStatus(signal: Signal(number), coreDumped: CoreDumps.goToAProgram && exit.coreDumped),
                cause: number == SIGSEGV ? "crashed" : "killed",
                oom: number == SIGKILL ? oomOfAStrangersKill(since: kills) : ["no"],
                action: "restart",
                failures: 1
            ).check(exit)
        }
    }
}

/// What core(5) says of this system.
enum CoreDumps {
    private static let pattern = contents(ofFile: "/proc/sys/kernel/core_pattern") ?? []

    static let goToAProgram = CoreDumps.pattern.first == UInt8(ascii: "|")

    /// Whether a worker may dump core into its directory, and nowhere else.
    static let areAllowed: Bool = {
        var limit = rlimit()
        let isKnown = getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0
        return isKnown && limit.rlim_max == rlim_t.max && !CoreDumps.pattern.isEmpty
            && !CoreDumps.pattern.contains(UInt8(ascii: "/")) && !CoreDumps.goToAProgram
    }()
}
