import ControlMessages
import Testing

@Suite struct NamePatternTests {
    @Test(arguments: [
        ("web", "web", true), ("web", "web2", false), ("web", "we", false), ("*", "anything", true), ("*", "", true),
        ("web*", "web", true), ("web*", "web-1", true), ("web*", "api-web", false), ("*web", "api-web", true),
        ("a*b*c", "aXbYc", true), ("a*b*c", "abbbc", true), ("a*b*c", "acb", false), ("w?b", "web", true),
        ("w?b", "wb", false), ("**", "x", true), ("a*", "", false), ("*a*a*a*", "aa", false),
    ])
    func aPatternMatchesWholeNames(pattern: String, name: String, isMatch: Bool) {
        #expect(NamePattern(text: pattern).matches(name) == isMatch)
    }

    @Test func manyStarsTakeNoExponentialTime() {
        let pattern = NamePattern(text: String(repeating: "*a", count: 30) + "*b")
        #expect(!pattern.matches(String(repeating: "a", count: 64)))
    }

    @Test func onlyAGlobCanMeanSeveral() {
        #expect(NamePattern(text: "web*").isGlob)
        #expect(NamePattern(text: "w?b").isGlob)
        #expect(!NamePattern(text: "web").isGlob)
        #expect(NamePattern.list("web,,api-*").map(\.text) == ["web", "api-*"])
    }
}
