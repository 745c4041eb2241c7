import HTTPServer

/// Answers what the tests ask for. Belongs to the server's loop.
final class TestHandler: HTTPHandler {
    let fine = HTTPResponse(status: 200, headers: [HTTPField("Content-Type", "text/plain")], body: Array("fine".utf8))
    let large = HTTPResponse(status: 200, body: (0..<40_960).map { UInt8(truncatingIfNeeded: $0 % 251) })
    /// More than a socket's buffers take.
    let huge = HTTPResponse(status: 200, body: [UInt8](repeating: 0x61, count: 32 << 20))
    let unchanged = HTTPResponse(status: 304, headers: [HTTPField("ETag", "\"1\"")])
    let forbidden = HTTPResponse(status: 403, body: Array("no".utf8))

    /// The paths of the requests that came through, but those that are admitted early.
    var handledPaths: [String] = []
    /// Those that wait, in the order in which they came.
    var waiting: [any HTTPExchange] = []
    var goneCount = 0
    /// Those that were asked for, in their order, and the numbers of those that were closed.
    var streams: [HTTPStream] = []
    var closedStreams: [Int] = []
    /// Makes a stream ready to be answered with.
    var prepareStream: (HTTPStream) -> Void = { _ in }
    var onStop: () -> Void = {}

    func admit(_ head: HTTPRequest) -> HTTPResponse? {
        head.path == ["forbidden"] ? self.forbidden : nil
    }

    func handle(_ request: HTTPRequest, _ exchange: any HTTPExchange) {
        self.handledPaths.append(request.target)
        switch request.path.first {
        case "ok", "smuggled": exchange.respond(self.fine)
        case "large": exchange.respond(self.large)
        case "huge": exchange.respond(self.huge)
        case "unchanged": exchange.respond(self.unchanged)
        case "describe": exchange.respond(Self.text(Self.describe(request)))
        case "size": exchange.respond(Self.text("\(request.body.count)"))
        case "who": exchange.respond(Self.text(Self.describe(request.connection)))
        case "stop":
            self.onStop()
            exchange.respond(self.fine)
        case "release":
            let waiting = self.waiting
            self.waiting = []
            for other in waiting {
                other.respond(Self.text("released"))
            }
            exchange.respond(self.fine)
        case "later":
            self.waiting.append(exchange)
            exchange.clientGone = { [unowned self] in
                self.goneCount += 1
            }
        case "stream": exchange.respond(self.makeStream())
        default: exchange.respond(HTTPResponse(status: 404))
        }
    }

    private func makeStream() -> HTTPResponse {
        let stream = HTTPStream(limit: 1000)
        let number = self.streams.count
        stream.onClose = { [unowned self] in self.closedStreams.append(number) }
        self.streams.append(stream)
        self.prepareStream(stream)
        return HTTPResponse(status: 200, headers: [HTTPField("Content-Type", "text/plain")], stream: stream)
    }

    static func text(_ text: String) -> HTTPResponse {
        HTTPResponse(status: 200, body: Array(text.utf8))
    }

    private static func describe(_ request: HTTPRequest) -> String {
        let query = request.query.map { " \($0.name)=\($0.value)" }.joined()
        let headers = request.headers.map { "\($0.name): \($0.value)\n" }.joined()
        return "\(request.method) \(request.path)\(query)\n\(headers)\(String(decoding: request.body, as: UTF8.self))"
    }

    private static func describe(_ connection: HTTPConnection) -> String {
        switch connection.peer {
        case .local(let peer): "\(connection.listener) \(peer.pid) \(peer.uid) \(peer.gid) \(peer.groups.sorted())"
        case .remote(let address): "\(connection.listener) \(address)"
        }
    }
}
