import Glibc
import LinuxSystem
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct PIDFDTests {
    let children: ChildProcesses

    init() throws {
        self.children = try ChildProcesses()
    }

    @Test(arguments: [0, 1, 42, 255])
    func anExitCodeArrivesAsTheRawStatusOfWait(code: Int32) throws {
        let exit = try ChildProcesses.end(of: self.children.spawn(script: "exit \(code)"))
        #expect(exit.waitStatus == code << 8)
    }

    @Test(arguments: [1, 2, 3, 4, 6, 8, 9, 11, 13, 14, 15, 24, 31, 34, 64])
    func aFatalSignalWithoutACoreArrivesAsTheRawStatusOfWait(signal: Int32) throws {
        let spawned = try self.children.spawn(script: "ulimit -c 0; kill -\(signal) $$; sleep 60")
        let exit = try ChildProcesses.end(of: spawned)
        #expect(exit.waitStatus == signal)
        #expect(exit.pid == spawned.pid)
    }
}
