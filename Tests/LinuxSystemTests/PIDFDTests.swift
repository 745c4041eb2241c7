import Glibc
import Testing

@testable import LinuxSystem

@Suite(.serialized, .timeLimit(.minutes(10)))
struct PIDFDTests {
    let children: ChildProcesses

    init() throws {
        self.children = try ChildProcesses()
    }

    @Test(arguments: [0, 1, 2, 42, 127, 128, 255])
    func anExitCodeArrivesAsTheRawStatusOfWait(code: Int32) throws {
        let exit = try ChildProcesses.end(of: self.children.spawn(script: "exit \(code)"))
        #expect(exit.waitStatus == code << 8)
    }

    /// Signals whose default action ends a process; 34 and 64 are real-time signals.
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 29, 30, 31, 34, 64])
    func aFatalSignalWithoutACoreArrivesAsTheRawStatusOfWait(signal: Int32) throws {
        let spawned = try self.children.spawn(script: "ulimit -c 0; kill -\(signal) $$; exec sleep 60")
        let exit = try ChildProcesses.end(of: spawned)
        // core(5): a program in core_pattern gets a dump whatever the limit is.
        #expect(exit.waitStatus & 0x7f == signal)
        #expect(exit.pid == spawned.pid)
    }

    @Test func theThreeWaysToEndGiveTheValuesThatTheMacrosOfWaitDecode() {
        #expect(PIDFD.waitStatus(code: Int32(CLD_EXITED), status: 0) == 0)
        #expect(PIDFD.waitStatus(code: Int32(CLD_EXITED), status: 255) == 0xff00)
        #expect(PIDFD.waitStatus(code: Int32(CLD_KILLED), status: 9) == 9)
        #expect(PIDFD.waitStatus(code: Int32(CLD_DUMPED), status: 11) == 0x8b)
        #expect(PIDFD.waitStatus(code: Int32(CLD_DUMPED), status: 6) == 0x86)
    }

    /// Whether a core is written depends on the machine; the flag must say what waitpid(2) says, so the same child is
    /// asked by both.
    @Test func theStatusIsTheOneThatWaitpidStoresCoreFlagIncluded() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        for signal in [3, 6, 11] {
            var request = ChildProcesses.shell("ulimit -c unlimited; kill -\(signal) $$; exec sleep 60")
            request.directory = directory.path
            let spawned = try self.children.spawn(request)
            try ChildProcesses.waitForEnd(of: spawned.pidfd)
            let exit = try #require(try spawned.pidfd.peek())
            var status: Int32 = 0
            #expect(waitpid(spawned.pid, &status, 0) == spawned.pid)
            #expect(exit.waitStatus == status)
            spawned.pidfd.close()
        }
    }

    @Test func peekingLeavesTheZombieAndReapingEndsIt() throws {
        let spawned = try self.children.spawn(script: "exit 7")
        try ChildProcesses.waitForEnd(of: spawned.pidfd)
        let first = try #require(try spawned.pidfd.peek())
        let second = try #require(try spawned.pidfd.peek())
        #expect(first == second)
        #expect(first.waitStatus == 7 << 8)
        #expect(kill(spawned.pid, 0) == 0)
        #expect(try spawned.pidfd.reap())
        #expect(throws: Errno.noChild) { try spawned.pidfd.peek() }
        #expect(throws: Errno.noChild) { try spawned.pidfd.reap() }
        spawned.pidfd.close()
        spawned.pidfd.close()
    }

    @Test func aLivingChildHasNoExitAndIsNotReaped() throws {
        let spawned = try self.children.spawn(script: "exec sleep 60")
        #expect(try spawned.pidfd.peek() == nil)
        #expect(try !spawned.pidfd.reap())
        #expect(try spawned.pidfd.send(SIGKILL))
        #expect(try ChildProcesses.end(of: spawned).waitStatus == 9)
    }

    @Test func usageIsWhatTheChildUsed() throws {
        let spawned = try self.children.spawn(script: "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done")
        let exit = try ChildProcesses.end(of: spawned)
        #expect(exit.usage.user + exit.usage.system > .milliseconds(1))
        #expect(exit.usage.user + exit.usage.system < .seconds(60))
        // A shell needs more than 100 KiB and less than a gibibyte: the unit is right. Until exec it has our memory, which
        // is a gibibyte under the address sanitizer.
        var own = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &own)
        let most = (Int64(own.ru_maxrss) << 10) + (1 << 30)
        #expect((100 << 10)...most ~= exit.usage.maximumResidentBytes)
    }

    @Test func aSignalToAZombieIsTakenAndToAReapedProcessIsNot() throws {
        let spawned = try self.children.spawn(script: "exit 0")
        try ChildProcesses.waitForEnd(of: spawned.pidfd)
        #expect(try spawned.pidfd.send(SIGTERM))
        #expect(throws: Errno.invalidArgument) { try spawned.pidfd.send(100) }
        #expect(try spawned.pidfd.reap())
        #expect(try !spawned.pidfd.send(SIGTERM))
        spawned.pidfd.close()
    }

    @Test func openingFindsAProcessByNumberAndOnlyALivingOne() throws {
        let spawned = try self.children.spawn(script: "exec sleep 60")
        let second = try PIDFD.open(pid: spawned.pid)
        #expect(try second.send(SIGTERM))
        #expect(try ChildProcesses.end(of: spawned).waitStatus == SIGTERM)
        #expect(throws: Errno.noSuchProcess) { try PIDFD.open(pid: spawned.pid) }
        second.close()
    }

    @Test func theStatusOfAReapedProcessIsToldWhereTheKernelCan() throws {
        guard Capabilities.detect().pidfdExitInfo else { return }
        let spawned = try self.children.spawn(script: "kill -9 $$")
        try ChildProcesses.waitForEnd(of: spawned.pidfd)
        #expect(StrangerEnd.statusAfterReap(spawned.pidfd.descriptor) == nil)
        try spawned.pidfd.reap()
        #expect(StrangerEnd.statusAfterReap(spawned.pidfd.descriptor) == 9)
        spawned.pidfd.close()
    }
}
