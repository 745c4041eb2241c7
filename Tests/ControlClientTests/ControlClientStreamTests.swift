import ControlMessages
import Testing

@testable import ControlClient

@Suite(.serialized, .timeLimit(.minutes(10)))
struct ControlClientStreamTests {
    private static let chunkedHead =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static func chunk(_ text: String) -> String {
        String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n"
    }

    @Test func theBodyIsHandedOverHoweverLongItIs() throws {
        let pieces = (0..<2000).map { "id: \($0)\ndata: \(String(repeating: "x", count: $0 % 97))\n\n" }
        let server = try StubServer([Self.chunkedHead + pieces.map(Self.chunk).joined() + "0\r\n\r\n"])
        try server.run()
        // The limit is for what is taken as a whole.
        let client = try ControlClient(.unixSocket(server.path), answerLimit: 1000)
        var received: [UInt8] = []
        var begun: [String?] = []
        let request = ControlRequest("GET", "/v1/events", timeout: nil)
        let response = try client.stream(
            request,
            began: { response in
                #expect(received.isEmpty)
                begun.append(response.header("content-type"))
            },
            receive: { piece in
                received += piece
                return true
            }
        )
        #expect(begun == ["text/event-stream"])
        #expect(response.status == 200)
        #expect(response.header("content-type") == "text/event-stream")
        #expect(response.body.isEmpty)
        #expect(String(decoding: received, as: UTF8.self) == pieces.joined())
    }

    @Test func whoHasEnoughEndsIt() throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + String(repeating: "x", count: 100_000)
        let server = try StubServer([answer])
        try server.run()
        var pieces = 0
        let response = try ControlClient(.unixSocket(server.path)).stream(ControlRequest("GET", "/")) { _ in
            pieces += 1
            return false
        }
        #expect(response.status == 200)
        #expect(pieces == 1)
    }

    @Test func whatIsNoSuccessIsNotHandedOver() throws {
        let body = #"{"type":"about:blank","title":"Gone","status":410,"code":"gone","detail":"no longer kept"}"#
        let server = try StubServer(["HTTP/1.1 410 Gone\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body])
        try server.run()
        let client = try ControlClient(.unixSocket(server.path))
        let response = try client.stream(
            ControlRequest("GET", "/"),
            began: { _ in Issue.record("begun") },
            receive: { _ in
                Issue.record("handed over")
                return true
            }
        )
        #expect(response.status == 410)
        #expect(response.problem?.detail == "no longer kept")
    }

    @Test func aConnectionThatBreaksIsSaidAfterWhatCame() throws {
        let server = try StubServer([Self.chunkedHead + Self.chunk("one")])
        try server.run()
        var received: [UInt8] = []
        let client = try ControlClient(.unixSocket(server.path))
        let error = #expect(throws: ControlClientError.self) {
            try client.stream(ControlRequest("GET", "/")) { piece in
                received += piece
                return true
            }
        }
        guard case .disconnected? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(received == Array("one".utf8))
    }

    @Test func itIsEndedFromOutsideThoughNothingComes() throws {
        // Connections are taken by the kernel, and nobody answers.
        let server = try StubServer([])
        let client = try ControlClient(.unixSocket(server.path))
        var asked = 0
        let response = try client.stream(ControlRequest("GET", "/", timeout: nil)) {
            asked += 1
            return asked < 3
        } receive: { _ in
            true
        }
        #expect(response.status == 0)
        #expect(asked == 3)
    }

    @Test func silenceIsALostConnection() throws {
        let server = try StubServer([])
        let client = try ControlClient(.unixSocket(server.path))
        #expect(throws: ControlClientError.timedOut(endpoint: server.path)) {
            try client.stream(ControlRequest("GET", "/", timeout: nil), silenceLimit: .milliseconds(20)) { _ in true }
        }
    }

    @Test func aClientThatStreamedSendsFurtherRequests() throws {
        let server = try StubServer([
            Self.chunkedHead + Self.chunk("one") + "0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        ])
        try server.run()
        let client = try ControlClient(.unixSocket(server.path))
        try client.stream(ControlRequest("GET", "/1")) { _ in false }
        #expect(try client.request("GET", "/2").text == "{}")
    }
}
