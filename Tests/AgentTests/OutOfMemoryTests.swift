import ControlMessages
import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

extension AgentTests {
    /// Workers that need more memory than their control group may have.
    @Suite struct OutOfMemoryTests {
        /// Grows until it is stopped. Nothing of it is ever given back.
        private static let grows = #"x=0123456789abcdef; while :; do x="$x$x"; done"#
        private static let fast = #"backoff = { initial = "1ms", max = "1ms", jitter = 0.0 }"#

        @Test(.enabled(if: LimitedGroup.isPossible, "no memory cgroup can be made here"))
        func aRunThatIsKilledForWantOfMemoryInAGroupOfItsOwnIsToldSo() throws {
            let group = try LimitedGroup(mebibytes: 16)
            // Time for the agent to see where the run is; on a busy machine a later run has it.
            let script = "echo $$ >\(group.path)/cgroup.procs; sleep 0.3; " + Self.grows
            let agent = try AgentProcess(shellWorker("web", script, Self.fast))
            try agent.eventually("a kill is certain") { try agent.exits(of: "web").contains { $0.oom == "yes" } }
            let exits = try agent.exits(of: "web")
            for (index, exit) in exits.enumerated() {
                // One that was not seen in its group in time cannot be more than suspected.
                ExpectedExit(
                    worker: "web",
                    waitStatus: WaitStatus(signal: .kill),
                    cause: exit.oom == "yes" ? "oom_killed" : "killed",
                    oom: ["yes", "suspected"],
                    action: "restart",
                    delay: index == 0 ? 0 : 0.001,
                    failures: index + 1
                ).check(exit)
            }
            try agent.eventually("the log tells how much memory") {
                agent.log.contains(
                    "killed by SIGKILL, which the agent did not send; the kernel's OOM killer did (memory 1"
                )
            }
            try agent.operate("stop", "web", "?grace=0s")
            let table = try agent.reeve("exits", "--cause", "oom_killed").output
            #expect(table.contains("the kernel's OOM killer"), "\(table)")
        }

        @Test(.enabled(if: LimitedGroup.isPossible, "no memory cgroup can be made here"))
        func aPersonsKillInSuchAGroupIsNot() throws {
            let kills = outOfMemoryKills()
            let group = try LimitedGroup(mebibytes: 64)
            let script = "echo $$ >\(group.path)/cgroup.procs; : >armed; " + lives
            let agent = try AgentProcess(shellWorker("web", script))
            try agent.eventually("it has moved") { agent.directory.exists("armed") }
            sendSignal(SIGKILL, to: try agent.waitForPID(of: "web"))
            ExpectedExit(
                worker: "web",
                waitStatus: WaitStatus(signal: .kill),
                cause: "killed",
                oom: oomOfAStrangersKill(since: kills),
                action: "restart",
                failures: 1
            ).check(try agent.waitForFirstExit(of: "web"))
        }

        @Test func whatIsThereToTellItIsShown() throws {
            let agent = try AgentProcess(shellWorker("web", lives, "autostart = false"))
            let message: AgentMessage = try agent.get("/v1/agent").decode()
            let found = Dictionary(uniqueKeysWithValues: message.capabilities.entries.map { ($0.name, $0.value) })
            let hierarchy = CgroupMemoryHierarchy.find()
            #expect(found["memory_cgroup"] == hierarchy?.mount.version.rawValue ?? "no")
            #expect(found["memory_cgroup_path"] == hierarchy?.mount.mountPoint)
            #expect(found["oom_kills"] == (outOfMemoryKills() == nil ? "no" : "yes"))
        }
    }
}

/// A control group with little memory, below the root of the hierarchy; removed with the last reference, when nothing is
/// left in it.
private final class LimitedGroup {
    let path: String

    /// Whether this test may make one. It is tried.
    static let isPossible = (try? LimitedGroup(mebibytes: 16)) != nil

    init(mebibytes: Int) throws {
        guard let mount = CgroupMemoryHierarchy.find()?.mount else { throw Errno(rawValue: ENOENT) }
        let path = "\(mount.mountPoint)/reeve-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        self.path = path
        try systemCall("mkdir") { mkdir(path, 0o755) }
        let bytes = "\(mebibytes << 20)"
        switch mount.version {
        case .v1:
            try self.write(bytes, to: "memory.limit_in_bytes")
            // Where it is there it keeps memory from going to swap, in which it would never end.
            try? self.write(bytes, to: "memory.memsw.limit_in_bytes")
        case .v2:
            // Not there unless the controller is on for the children of the root.
            try self.write(bytes, to: "memory.max")
            try? self.write("0", to: "memory.swap.max")
        }
    }

    deinit {
        // EBUSY for a moment after its last process has ended.
        let path = self.path
        try? eventually("the group is gone") { rmdir(path) == 0 || errno != EBUSY }
    }

    private func write(_ text: String, to name: String) throws(Errno) {
        let path = "\(self.path)/\(name)"
        let number = try systemCall("open") { open(path, O_WRONLY | O_CLOEXEC) }
        defer { close(number) }
        let bytes = Array(text.utf8)
        try systemCall("write") { Glibc.write(number, bytes, bytes.count) }
    }
}
