import Testing

@testable import HTTPServer

@Suite struct RequestTargetTests {
    private func target(_ text: String) throws -> RequestTarget {
        try RequestTarget(Array(text.utf8))
    }

    @Test(arguments: [
        ("/", []), ("/v1/workers/web", ["v1", "workers", "web"]), ("/v1/", ["v1", ""]), ("//v1", ["", "v1"]),
        ("/%41%c3%a4+", ["Aä+"]), ("/...", ["..."]), ("/a:b@c!$&'()*,;=~", ["a:b@c!$&'()*,;=~"]),
        ("/%252e", ["%2e"]), ("/?x", []),
    ])
    func aPathIsSplitAndDecodedOnce(_ text: String, _ path: [String]) throws {
        #expect(try self.target(text).path == path)
    }

    @Test(arguments: [
        ("/", []), ("/?", []), ("/?a", [HTTPField("a", "")]), ("/?a=b=c", [HTTPField("a", "b=c")]),
        ("/?a=1&a=2", [HTTPField("a", "1"), HTTPField("a", "2")]), ("/?&&a=1&", [HTTPField("a", "1")]),
        ("/?a+b=c+d%2B", [HTTPField("a b", "c d+")]), ("/?a=%2f%5c/?\\", [HTTPField("a", "/\\/?\\")]),
        ("/?=x", [HTTPField("", "x")]), ("/?a=..", [HTTPField("a", "..")]),
    ])
    func aQueryIsDecodedAsAForm(_ text: String, _ query: [HTTPField]) throws {
        #expect(try self.target(text).query == query)
    }

    @Test(arguments: [
        ("", HTTPRefusal.TargetFault.form), ("a", .form), ("*", .form), ("http://a/", .form),
        ("/a b", .byte), ("/a#b", .byte), ("/a\u{7f}", .byte), ("/ä", .byte), ("/a\\b", .byte),
        ("/%", .escape), ("/%4", .escape), ("/%4g", .escape), ("/?%", .escape), ("/%+1", .escape),
        ("/%00", .escapedByte), ("/%1f", .escapedByte), ("/%2F", .escapedByte), ("/%5c", .escapedByte),
        ("/?%0a", .escapedByte), ("/?%7f", .escapedByte),
        ("/.", .dotSegment), ("/a/..", .dotSegment), ("/%2e%2E/a", .dotSegment), ("/.%2e", .dotSegment),
        ("/%ff", .encoding), ("/%c0%af", .encoding), ("/?a=%ed%a0%80", .encoding), ("/%c3/%a4", .encoding),
    ])
    func aTargetIsRefused(_ text: String, _ fault: HTTPRefusal.TargetFault) {
        #expect(throws: HTTPRefusal.target(fault)) { try self.target(text) }
    }

    @Test func refusalsAreWellFormed() {
        let refusals: [HTTPRefusal] = [
            .method, .version, .target(.byte), .targetTooLong(limit: 1), .tooManyFields(limit: 1), .lineEndings,
            .fieldName, .fieldValue, .host, .contentLength, .contentLengthWithTransferEncoding, .transferEncoding,
            .bodyTooLarge(limit: 1), .busy, .target(.form), .target(.escape), .target(.escapedByte),
            .target(.dotSegment), .target(.encoding),
        ]
        for refusal in refusals {
            let message = TestClient.parse(refusal.makeMessage())
            let response = refusal.makeResponse()
            #expect(message?.response.status == refusal.status)
            #expect(message?.response.body == response.body)
            #expect(message?.size == refusal.makeMessage().count)
            // Quotes only where the document has them: two for each of 11 strings.
            let text = String(decoding: response.body, as: UTF8.self)
            #expect(text.filter { $0 == "\"" }.count == 22 - 2)
            #expect(!text.contains("\\"))
        }
    }
}
