import Glibc
import Synchronization
import Testing

/// Answers each connection with the next of some prepared answers and keeps what it was asked. On a Unix socket in a
/// directory of its own, and on a thread of its own.
final class StubServer: Sendable {
    private struct State {
        var answers: [String]
        var requests: [String] = []
    }

    let path: String
    private let directory: String
    private let descriptor: Int32
    private let state: Mutex<State>

    /// Each answer is a whole one, from its status line on; the connection is closed after it.
    init(_ answers: [String]) throws {
        var template = Array("/tmp/reeve-client-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        self.directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.path = self.directory + "/control.sock"
        self.state = Mutex(State(answers: answers))
        self.descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(self.descriptor >= 0)
        try #require(Self.bind(self.descriptor, to: self.path) == 0)
        try #require(listen(self.descriptor, 8) == 0)
    }

    /// Begins to answer. Without it the socket is there and nobody takes what comes.
    func run() throws {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        let code = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                Unmanaged<StubServer>.fromOpaque(context).takeRetainedValue().serve()
                return nil
            },
            context
        )
        try #require(code == 0)
        pthread_detach(thread)
    }

    var requests: [String] { self.state.withLock { $0.requests } }

    /// Ends the listening; the socket's file stays as that of a program that died.
    func close() {
        shutdown(self.descriptor, Int32(SHUT_RDWR))
    }

    deinit {
        Glibc.close(self.descriptor)
        unlink(self.path)
        rmdir(self.directory)
    }

    private func serve() {
        while let answer = self.state.withLock({ $0.answers.first }) {
            let connection = accept(self.descriptor, nil, nil)
            guard connection >= 0 else { return }
            let request = Self.readRequest(connection)
            self.state.withLock { state in
                state.answers.removeFirst()
                state.requests.append(request)
            }
            // MSG_NOSIGNAL: a client that has seen enough closes early.
            let bytes = Array(answer.utf8)
            _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            // A child of another test has it too until its exec.
            shutdown(connection, Int32(SHUT_RDWR))
            Glibc.close(connection)
        }
    }

    /// A head and as much of a body as its Content-Length says.
    private static func readRequest(_ connection: Int32) -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            if let end = text.firstRange(of: "\r\n\r\n") {
                let head = text[..<end.lowerBound].lowercased()
                let length =
                    head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
                    .flatMap { Int($0.dropFirst(15).drop(while: \.isWhitespace)) } ?? 0
                guard text[end.upperBound...].utf8.count < length else { return text }
            }
            let count = read(connection, &buffer, buffer.count)
            guard count > 0 else { return text }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    private static func bind(_ descriptor: Int32, to path: String) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
