import Glibc
public import LinuxSystem

/// A request that was sent on a connection of its own, and the answer to come: so that a test can do something while the
/// server holds the answer back.
public final class HTTPExchange {
    private let descriptor: Int32

    /// Connects and sends `bytes` as they are.
    public init(to address: SocketAddress, sending bytes: [UInt8], timeout: Duration = patience) throws(Errno) {
        self.descriptor = try address.connect(timeout: timeout)
        try self.send(bytes)
    }

    /// Connects and sends a request that asks the server to close afterwards.
    public convenience init(
        to address: SocketAddress,
        _ method: String,
        _ target: String,
        headers: [String: String] = [:],
        body: String? = nil,
        timeout: Duration = patience
    ) throws(Errno) {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            text += "\(name): \(value)\r\n"
        }
        if let body {
            text += "Content-Length: \(body.utf8.count)\r\n"
        }
        text += "\r\n" + (body ?? "")
        try self.init(to: address, sending: Array(text.utf8), timeout: timeout)
    }

    deinit {
        close(self.descriptor)
    }

    /// Sends more; a server that has closed already is no error, its answer says why.
    public func send(_ bytes: [UInt8]) throws(Errno) {
        var rest = bytes[...]
        while !rest.isEmpty {
            do throws(Errno) {
                let count = try systemCall("send") { [descriptor] in
                    rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                }
                rest = rest.dropFirst(count)
            } catch {
                if error.rawValue == EPIPE || error.rawValue == ECONNRESET { return }
                throw error
            }
        }
    }

    /// All bytes until the server closes; EAGAIN when it does not.
    public func received() throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            do throws(Errno) {
                let count = try systemCall("recv") { [descriptor] in recv(descriptor, &buffer, buffer.count, 0) }
                if count == 0 { return bytes }
                bytes += buffer[..<count]
            } catch {
                if error.rawValue == ECONNRESET { return bytes }
                throw error
            }
        }
    }

    /// What has come by now, at least one byte; nothing at the end. EAGAIN when nothing comes.
    public func receivedNext() throws(Errno) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = try systemCall("recv") { [descriptor] in recv(descriptor, &buffer, buffer.count, 0) }
        return Array(buffer[..<count])
    }

    /// Waits for the whole answer.
    public func answer() throws -> HTTPAnswer {
        let bytes = try self.received()
        guard let answer = HTTPAnswer(parsing: bytes) else {
            throw UnexpectedAnswer("no HTTP response: \(String(decoding: bytes.prefix(500), as: UTF8.self))")
        }
        return answer
    }

    /// Whether an answer, or the end of the connection, has come.
    public func isAnswered(within limit: Duration) -> Bool {
        var entry = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, Int32(limit / .milliseconds(1))) > 0
    }
}

/// Sends a request and waits for its answer.
public func request(
    _ address: SocketAddress,
    _ method: String,
    _ target: String,
    headers: [String: String] = [:],
    body: String? = nil,
    timeout: Duration = patience
) throws -> HTTPAnswer {
    try HTTPExchange(to: address, method, target, headers: headers, body: body, timeout: timeout).answer()
}
