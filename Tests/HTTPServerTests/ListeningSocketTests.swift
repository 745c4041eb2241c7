import Glibc
import HTTPServer
import LinuxSystem
import Testing

@Suite struct ListeningSocketTests {
    private let directory = TemporaryDirectory()

    private var path: String { "\(self.directory.path)/control.sock" }

    private func mode(_ path: String) -> UInt32 {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    /// Leaves a socket behind on which nobody listens, as a killed server does.
    private func leaveStaleSocket() throws {
        let socket = try ListeningSocket.unix(path: "\(self.path).other")
        #expect(rename("\(self.path).other", self.path) == 0)
        _ = consume socket
        // A child of another test has it too until its exec.
        #expect(eventually { (try? TestClient(.unix(path: self.path))) == nil })
    }

    @Test(arguments: [0o600, 0o660, 0o666, 0o700] as [UInt32])
    func aSocketHasTheModeThatWasAskedFor(_ mode: UInt32) throws {
        let socket = try ListeningSocket.unix(path: self.path, mode: mode)
        #expect(self.mode(self.path) == mode)
        #expect(socket.address == .unix(path: self.path))
    }

    @Test func aSocketHasTheGroupThatWasAskedFor() throws {
        let groups = TestProcess.groups + [TestProcess.gid]
        let group = try #require(groups.last)
        let socket = try ListeningSocket.unix(path: self.path, mode: 0o660, group: group)
        var status = stat()
        #expect(lstat(self.path, &status) == 0)
        #expect(status.st_gid == group)
        _ = consume socket
    }

    @Test func aMissingDirectoryIsMadeForTheOwnerAlone() throws {
        let directory = "\(self.directory.path)/run"
        let socket = try ListeningSocket.unix(path: "\(directory)/s")
        #expect(self.mode(directory) == 0o700)
        _ = consume socket
    }

    @Test func aDroppedSocketRemovesItsPath() throws {
        let socket = try ListeningSocket.unix(path: self.path)
        _ = consume socket
        #expect(self.mode(self.path) == 0)
    }

    @Test func aDroppedSocketLeavesAnothersPathAlone() throws {
        let socket = try ListeningSocket.unix(path: self.path)
        #expect(unlink(self.path) == 0)
        let other = open(self.path, O_CREAT | O_WRONLY, 0o644)
        #expect(close(other) == 0)
        _ = consume socket
        #expect(self.mode(self.path) == 0o644)
    }

    @Test func aStaleSocketIsTakenOver() throws {
        try self.leaveStaleSocket()
        let socket = try ListeningSocket.unix(path: self.path)
        _ = try TestClient(socket.address)
    }

    @Test func aLivingServersSocketIsLeftAlone() throws {
        let socket = try ListeningSocket.unix(path: self.path)
        #expect(throws: ListeningError.inUse(address: self.path)) { _ = try ListeningSocket.unix(path: self.path) }
        _ = try TestClient(socket.address)
    }

    @Test func aFileIsLeftAlone() throws {
        let descriptor = open(self.path, O_CREAT | O_WRONLY, 0o644)
        #expect(close(descriptor) == 0)
        #expect(throws: ListeningError.notASocket(path: self.path)) { _ = try ListeningSocket.unix(path: self.path) }
        #expect(self.mode(self.path) == 0o644)
    }

    @Test func aSymbolicLinkIsNotFollowed() throws {
        #expect(symlink("\(self.directory.path)/elsewhere", self.path) == 0)
        #expect(throws: ListeningError.notASocket(path: self.path)) { _ = try ListeningSocket.unix(path: self.path) }
    }

    @Test func aPathThatDoesNotFitIsRefused() {
        for path in ["", "\0abstract", "/tmp/" + String(repeating: "a", count: 103)] {
            #expect(throws: ListeningError.unusablePath(path: path, limit: 107)) {
                _ = try ListeningSocket.unix(path: path)
            }
        }
    }

    @Test func aMissingParentOfTheDirectoryIsNamed() {
        let path = "\(self.directory.path)/a/b/s"
        #expect {
            _ = try ListeningSocket.unix(path: path)
        } throws: { error in
            "\(error)".contains("cannot listen on \(path): mkdir \(self.directory.path)/a/b: No such file")
        }
    }

    private static let hosts = ["127.0.0.1", "localhost"] + (access("/proc/net/if_inet6", F_OK) == 0 ? ["::1"] : [])

    @Test(arguments: Self.hosts)
    func theKernelChoosesAPort(_ host: String) throws {
        let socket = try ListeningSocket.tcp(host: host, port: 0)
        guard case .tcp(let numeric, let port) = socket.address else {
            Issue.record("\(socket.address)")
            return
        }
        #expect(numeric == (host == "localhost" ? "127.0.0.1" : host))
        #expect(port > 0)
        #expect("\(socket.address)" == (host == "::1" ? "[::1]:\(port)" : "127.0.0.1:\(port)"))
    }

    @Test func aPortInUseIsSaid() throws {
        let socket = try ListeningSocket.tcp(host: "127.0.0.1", port: 0)
        guard case .tcp(_, let port) = socket.address else { return }
        let error = #expect(throws: ListeningError.self) { _ = try ListeningSocket.tcp(host: "127.0.0.1", port: port) }
        #expect(error == .inUse(address: "127.0.0.1:\(port)"))
        #expect(
            error?.description
                == "cannot listen on 127.0.0.1:\(port): another server listens there; stop it or choose another one"
        )
        _ = consume socket
    }

    @Test(arguments: ["example.org", "", "127.0.0.1:80", "[::1]", "300.0.0.1"])
    func aNameIsNoAddress(_ host: String) {
        #expect(throws: ListeningError.unusableHost(host)) { _ = try ListeningSocket.tcp(host: host, port: 0) }
    }

    @Test func socketsAreClosedOnExec() throws {
        let tcp = try ListeningSocket.tcp(host: "127.0.0.1", port: 0)
        let unix = try ListeningSocket.unix(path: self.path)
        #expect(fcntl(tcp.descriptor, F_GETFD) == FD_CLOEXEC)
        #expect(fcntl(unix.descriptor, F_GETFD) == FD_CLOEXEC)
        #expect(fcntl(unix.descriptor, F_GETFL) & O_NONBLOCK != 0)
    }
}
