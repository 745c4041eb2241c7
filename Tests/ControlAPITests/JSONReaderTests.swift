import Testing

@testable import ControlAPI

@Suite struct JSONReaderTests {
    private static func read(_ text: String) throws(JSONError) -> JSONValue {
        try JSONReader.read(Array(text.utf8))
    }

    @Test func readsEveryKindOfValue() throws {
        let text = """
             { "a" : [ true , false, null ], "b": {"c": -0.5e+3, "d": 0}, "e": "\\u0041\\n\\"\\\\\\/\\ud83d\\ude00ä" }
            """
        #expect(
            try Self.read(text)
                == .object([
                    JSONMember(name: "a", value: .array([.bool(true), .bool(false), .null])),
                    JSONMember(
                        name: "b",
                        value: .object([
                            JSONMember(name: "c", value: .number("-0.5e+3")),
                            JSONMember(name: "d", value: .number("0")),
                        ])
                    ),
                    JSONMember(name: "e", value: .string("A\n\"\\/😀ä")),
                ])
        )
        #expect(try Self.read("{}") == .object([]))
        #expect(try Self.read(" [ ] ") == .array([]))
    }

    @Test(arguments: [
        "", " ", "{", "[", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "[1,]", "{a:1}", "{'a':1}", "01", "-", "1.",
        ".5", "1e", "+1", "tru", "truex", "nul", "{} {}", "[1 2]", "{\"a\" 1}", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
        "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a", "\"a\tb\"", "\"a\nb\"", "//\n{}", "{\"a\":1,,\"b\":2}",
        "\u{feff}{}",
        "NaN", "\"\\u{41}\"",
    ])
    func refusesWhatIsNoJSON(text: String) {
        #expect(throws: JSONError.self) { try Self.read(text) }
    }

    @Test func refusesWhatIsNoUTF8() {
        #expect(throws: JSONError.self) { try JSONReader.read([0x22, 0xff, 0x22]) }
        // An encoding of a slash that is longer than need be.
        #expect(throws: JSONError.self) { try JSONReader.read([0x22, 0xc0, 0xaf, 0x22]) }
    }

    @Test func refusesANameThatStandsTwiceHoweverItIsWritten() {
        #expect(throws: JSONError.self) { try Self.read("{\"a\":1,\"a\":2}") }
        #expect(throws: JSONError.self) { try Self.read("{\"a\":1,\"\\u0061\":2}") }
        #expect(throws: Never.self) { try Self.read("{\"a\":{\"a\":1}}") }
    }

    @Test func refusesWhatLiesTooDeep() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try Self.read(nested(JSONReader.maximumDepth)) }
        #expect(throws: JSONError.self) { try Self.read(nested(JSONReader.maximumDepth + 1)) }
        #expect(throws: JSONError.self) { try Self.read(String(repeating: "[", count: 60_000)) }
    }

    @Test func tellsThePlace() {
        #expect(throws: JSONError(message: "a value should be here", line: 3, column: 8)) {
            try Self.read("{\n \"a\": 1,\n \"b\" : x }")
        }
        #expect(throws: JSONError(message: "this name stands in the object already", line: 2, column: 1)) {
            try Self.read("{\"a\":1,\n\"a\":2}")
        }
    }
}
