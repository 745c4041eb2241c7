import Testing

@testable import Supervision

@Suite struct NearestNameTests {
    @Test(arguments: [
        ("wbe", "web"), ("retsart", "restart"), ("commnad", "command"), ("enviroment", "environment"), ("d", "db"),
        ("Web", "web"), ("base-port", "base_port"), ("api-01", "api-1"),
    ])
    func findsTheNameThatWasMeant(_ pair: (typed: String, meant: String)) {
        let names = ["web", "db", "api-1", "command", "restart", "environment", "base_port", "restart_limit"]
        #expect(NearestName.of(pair.typed, among: names) == pair.meant)
    }

    @Test(arguments: ["", "zzz", "completely-different", "xy", "webserver"])
    func suggestsNothingThatIsFarAway(_ typed: String) {
        #expect(NearestName.of(typed, among: ["web", "db", "command"]) == nil)
    }

    @Test func prefersTheNearerAndThenTheFirst() {
        #expect(NearestName.of("worker-2", among: ["worker-10", "worker-1", "worker-3"]) == "worker-1")
        #expect(NearestName.of("web", among: ["wxb", "web"]) == nil)
    }

    @Test func doesNotLookAtNamesBeyondItsLimit() {
        let long = String(repeating: "a", count: NearestName.maximumLength + 1)
        #expect(NearestName.of(long, among: [String(long.dropLast())]) == nil)
        #expect(NearestName.of(String(long.dropLast()), among: [long]) == nil)
        #expect(NearestName.of(String(long.dropLast(2)), among: [String(long.dropLast())]) == String(long.dropLast()))
    }

    @Test(arguments: [
        ("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 1),
        ("ca", "abc", 3),
    ])
    func countsEditsAndSwapsOfNeighbours(_ example: (a: String, b: String, distance: Int)) {
        #expect(NearestName.distance(Array(example.a.utf8), Array(example.b.utf8)) == example.distance)
    }
}
