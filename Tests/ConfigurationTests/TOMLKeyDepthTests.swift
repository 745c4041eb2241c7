import Testing

@testable import Configuration

@Suite struct TOMLKeyDepthTests {
    private static let dots = String(repeating: "a.", count: 40) + "a"

    private func firstExcess(_ text: String) -> TOMLPlace? {
        TOMLKeyDepth.firstExcess(in: Array(text.utf8))
    }

    @Test(arguments: [
        "a = \"\(dots)\"", "a = '\(dots)'", "# \(dots)", "a = \"\"\"\n\(dots)\n\"\"\"", "a = '''\n\(dots)\n'''",
        "a = \"\\\"\(dots)\"", "a = '\\' # \(dots)", "a = \"\"\"x\"\"\"\"\" # \(dots)",
        "a = \"\"\"\\\"\"\"\(dots)\"\"\"",
        "a = [" + String(repeating: "1.5, ", count: 100) + "]", String(repeating: "a.b = 1\n", count: 100),
        "a = \"\" # \(dots)", "a = '''x'''' # \(dots)",
    ])
    func countsNoDotsInTextsAndComments(_ text: String) {
        #expect(self.firstExcess(text) == nil)
    }

    @Test(arguments: [
        "\(dots) = 1", "[\(dots)]", "a = { \(dots) = 1 }", "\"x\".\(dots) = 1", "a = \"\"\"x\"\"\"\"\", \(dots)",
        "a = '\\', \(dots)", "a = \"\\\\\", \(dots)", "a = 'x\n\(dots) = 1", "a = \"x\\\n\(dots) = 1",
        "a = '''x''''', \(dots)",
        "# x\n\(dots)", "a = \"\"\n\(dots)",
    ])
    func findsKeysWithTooManyParts(_ text: String) {
        #expect(self.firstExcess(text) != nil)
    }

    @Test func endsWithTheTextWhereverThatIs() {
        let bytes = Array("a.\"b\\\"c\".'d' = \"\"\"e\\\"\"\"\" # f\n'''g'''''\n".utf8)
        for count in 0...bytes.count {
            #expect(TOMLKeyDepth.firstExcess(in: Array(bytes.prefix(count))) == nil)
        }
    }
}
