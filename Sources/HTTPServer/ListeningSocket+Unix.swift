internal import CMicroHTTPD
internal import Glibc
internal import LinuxSystem

extension ListeningSocket {
    /// Listens on a path, with `mode` and, where one is given, `group`.
    ///
    /// The path is never open to more than was asked for, and no umask(2) is touched, which other threads share: bind(2)
    /// takes the mode from the descriptor, so that is set first, to the owner's part of `mode`. A missing directory is made
    /// with mode 0700. A socket that nobody listens on any more is taken over; two servers that do this in the same instant
    /// need a lock of their own.
    public static func unix(
        path: String,
        mode: UInt32 = 0o600,
        group: UInt32? = nil
    ) throws(ListeningError) -> ListeningSocket {
        var address = try Self.unixAddress(path)
        try Self.makeDirectory(of: path)
        try Self.removeStale(path, &address)
        let descriptor = try Self.step("socket", path) { socket(AF_UNIX, Self.socketType, 0) }
        do {
            try Self.step("fchmod", path) { fchmod(descriptor, mode & 0o700) }
            try Self.step("bind", path) { Self.bindUnix(descriptor, &address) }
        } catch {
            close(descriptor)
            throw error
        }
        let identity = PathIdentity(path: path)
        do {
            if let group {
                try Self.step("chown", path) { chown(path, uid_t.max, group) }
            }
            try Self.step("chmod", path) { chmod(path, mode) }
            try Self.step("listen", path) { listen(descriptor, Self.backlog) }
        } catch {
            unlink(path)
            close(descriptor)
            throw error
        }
        return ListeningSocket(descriptor: descriptor, address: .unix(path: path), identity: identity)
    }

    static var socketType: Int32 {
        Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    }

    /// Turns the error of a system call into one that names the address.
    @discardableResult
    static func step(_ call: StaticString, _ address: String, _ body: () -> Int32) throws(ListeningError) -> Int32 {
        do {
            return try systemCall(call, body)
        } catch let error {
            guard error.rawValue != EADDRINUSE else { throw .inUse(address: address) }
            throw .failed(call: "\(call)", address: address, error)
        }
    }

    private static func unixAddress(_ path: String) throws(ListeningError) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // One byte is for the terminating NUL; a first NUL would mean the abstract namespace, which has no mode.
        let limit = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard (1...limit).contains(bytes.count), !bytes.contains(0) else {
            throw .unusablePath(path: path, limit: limit)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }

    private static func bindUnix(_ descriptor: Int32, _ address: inout sockaddr_un) -> Int32 {
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func makeDirectory(of path: String) throws(ListeningError) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let directory = String(path[..<slash])
        guard mkdir(directory, 0o700) != 0 else { return }
        let error = Errno.current
        guard error.rawValue != EEXIST else { return }
        throw .failed(call: "mkdir \(directory)", address: path, error)
    }

    /// Removes a socket on which nobody listens; fails when somebody does, or when it is something else.
    private static func removeStale(_ path: String, _ address: inout sockaddr_un) throws(ListeningError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            let error = Errno.current
            guard error.rawValue != ENOENT else { return }
            throw .failed(call: "lstat", address: path, error)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let probe = try Self.step("socket", path) { socket(AF_UNIX, Self.socketType, 0) }
        defer { close(probe) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(probe, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // EAGAIN: its backlog is full, so somebody listens.
        let error = result == 0 ? EAGAIN : Errno.current.rawValue
        switch error {
        case EAGAIN, EINPROGRESS, EPROTOTYPE: throw .inUse(address: path)
        case ENOENT: return
        case ECONNREFUSED: try Self.step("unlink", path) { unlink(path) }
        default: throw .failed(call: "connect", address: path, Errno(rawValue: error))
        }
    }
}
