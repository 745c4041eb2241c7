import Glibc
import HTTPServer
import Testing

/// A blocking socket that sends any bytes and reads answers. Each wait is bounded.
final class TestClient {
    enum Failure: Error {
        case connect(Int32)
        case noResponse([UInt8])
    }

    /// What came back, as far as it can be read.
    struct Response {
        var status: Int
        var headers: [HTTPField]
        var body: [UInt8]

        var text: String {
            String(decoding: self.body, as: UTF8.self)
        }

        func header(_ name: String) -> String? {
            self.headers.first { $0.isCalled(name) }?.value
        }
    }

    private static let patience = timeval(tv_sec: 20, tv_usec: 0)
    private let descriptor: Int32
    /// Bytes that were read and do not belong to a response yet.
    private var buffer: [UInt8] = []
    /// Whether the connection ended by a reset.
    private(set) var wasReset = false

    init(_ address: ListeningSocket.Address) throws {
        switch address {
        case .tcp(_, let port): self.descriptor = try Self.connectTCP(port)
        case .unix(let path): self.descriptor = try Self.connectUnix(path)
        }
        var patience = Self.patience
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
    }

    deinit {
        close(self.descriptor)
    }

    private static func connectTCP(_ port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return try Self.checked(descriptor, result)
    }

    private static func connectUnix(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return try Self.checked(descriptor, result)
    }

    private static func checked(_ descriptor: Int32, _ result: Int32) throws -> Int32 {
        guard result == 0 else {
            let error = errno
            close(descriptor)
            throw Failure.connect(error)
        }
        return descriptor
    }

    // MARK: Sending

    func send(_ text: String) {
        self.send(Array(text.utf8))
    }

    /// As much as the server takes; a connection that it closed meanwhile is no failure.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            sent += count
        }
        return sent
    }

    func finishSending() {
        shutdown(self.descriptor, Int32(SHUT_WR))
    }

    /// Makes the close that follows a reset.
    func willReset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    }

    // MARK: Reading

    func exchange(_ request: String) throws -> Response {
        self.send(request)
        return try self.readResponse()
    }

    func readResponse(withBody: Bool = true) throws -> Response {
        while true {
            if let response = self.takeResponse(withBody: withBody) {
                return response
            }
            guard self.readMore() else { throw Failure.noResponse(self.buffer) }
        }
    }

    /// The status of the next header alone, also of an interim one.
    func readInterim() throws -> Int {
        while true {
            if let end = Self.endOfHeader(self.buffer) {
                let words = String(decoding: self.buffer[..<end], as: UTF8.self).split(separator: " ")
                self.buffer.removeFirst(end)
                return words.count > 1 ? Int(words[1]) ?? 0 : 0
            }
            guard self.readMore() else { throw Failure.noResponse(self.buffer) }
        }
    }

    /// The next chunk of a chunked body (RFC 9112, section 7.1); empty for the end of the body.
    func readChunk() throws -> [UInt8] {
        while true {
            if let line = self.buffer.firstIndex(of: 10) {
                let digits = String(decoding: self.buffer[..<line], as: UTF8.self).prefix { $0.isHexDigit }
                guard let size = Int(digits, radix: 16) else { throw Failure.noResponse(self.buffer) }
                let end = line + 1 + size + 2
                if self.buffer.count >= end {
                    defer { self.buffer.removeFirst(end) }
                    return Array(self.buffer[(line + 1)..<(line + 1 + size)])
                }
            }
            guard self.readMore() else { throw Failure.noResponse(self.buffer) }
        }
    }

    /// `count` bytes of a chunked body, which must end with a chunk; fewer if it ends before.
    func readBody(_ count: Int) throws -> String {
        var body: [UInt8] = []
        while body.count < count, case let chunk = try self.readChunk(), !chunk.isEmpty {
            body += chunk
        }
        return String(decoding: body, as: UTF8.self)
    }

    /// The rest of a chunked body.
    func readBodyToEnd() throws -> String {
        try self.readBody(.max)
    }

    /// All that comes until the server closes.
    func readToEnd() -> [UInt8] {
        while self.readMore() {}
        defer { self.buffer = [] }
        return self.buffer
    }

    /// Whether the server has closed the connection and sent nothing more.
    func isAtEnd() -> Bool {
        self.readToEnd().isEmpty
    }

    private func readMore() -> Bool {
        var part = [UInt8](repeating: 0, count: 65536)
        let count = recv(self.descriptor, &part, part.count, 0)
        if count < 0 {
            self.wasReset = errno == ECONNRESET
            if errno == EAGAIN {
                Issue.record("the server neither answered nor closed")
            }
        }
        guard count > 0 else { return false }
        self.buffer += part[..<count]
        return true
    }

    private func takeResponse(withBody: Bool) -> Response? {
        guard let parsed = Self.parse(self.buffer, withBody: withBody) else { return nil }
        self.buffer.removeFirst(parsed.size)
        return parsed.response
    }

    /// The first response in `bytes`, when it is there in full.
    static func parse(_ bytes: [UInt8], withBody: Bool = true) -> (response: Response, size: Int)? {
        guard let end = Self.endOfHeader(bytes) else { return nil }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
        let headers = lines.dropFirst().compactMap { line in
            line.firstIndex(of: ":").map {
                HTTPField(String(line[..<$0]), String(line[line.index(after: $0)...].drop { $0 == " " }))
            }
        }
        if status == 100 {
            return Self.parse(Array(bytes[end...]), withBody: withBody).map { ($0.response, $0.size + end) }
        }
        var response = Response(status: status, headers: headers, body: [])
        let length = withBody ? response.header("Content-Length").flatMap { Int($0) } ?? 0 : 0
        guard bytes.count >= end + length else { return nil }
        response.body = Array(bytes[end..<(end + length)])
        return (response, end + length)
    }

    private static func endOfHeader(_ bytes: [UInt8]) -> Int? {
        let mark: [UInt8] = [13, 10, 13, 10]
        guard bytes.count >= 4 else { return nil }
        return (0...(bytes.count - 4)).first { bytes[$0..<($0 + 4)].elementsEqual(mark) }.map { $0 + 4 }
    }
}
