import Configuration
import Testing

@Suite struct HistorySectionTests {
    @Test func withoutItTheDefaultsHold() throws {
        let history = try TestSystem().loadText("").history
        #expect(history.age == .seconds(90 * 86400))
        #expect(history.records == 100_000)
        #expect(history.recordsPerWorker == 10_000)
        #expect(history.size == 256 << 20)
    }

    @Test func takesWhatTheFileSays() throws {
        let history = try TestSystem().loadText(
            """
            [history]
            keep = "12h"
            keep_records = 5000
            keep_per_worker = 50
            max_size = "2G"
            """
        ).history
        #expect(history.age == .seconds(12 * 3600))
        #expect(history.records == 5000)
        #expect(history.recordsPerWorker == 50)
        #expect(history.size == 2 << 30)
    }

    @Test(arguments: [("4M", 4 << 20), ("4194304", 4 << 20), ("5000K", 5000 << 10), ("1G", 1 << 30), ("1T", 1 << 40)])
    func sizesAreInBytes(text: String, bytes: Int64) throws {
        #expect(try TestSystem().loadText("[history]\nmax_size = \"\(text)\"").history.size == bytes)
    }

    @Test(arguments: [
        ("keep = 90", "2:8: \"keep\" must be a string, not a whole number"),
        ("keep = \"1h30m\"", "2:8: \"keep\" must be a whole number with a unit such as"),
        ("keep = \"59s\"", "2:8: \"keep\" must be at least \"1m\", not \"59s\""),
        ("keep_records = \"all\"", "2:16: \"keep_records\" must be a whole number, not a string"),
        ("keep_records = 0", "2:16: \"keep_records\" must be from 1 to 10000000, not 0"),
        ("keep_per_worker = -1", "2:19: \"keep_per_worker\" must be from 1 to 10000000, not -1"),
        ("max_size = 256", "2:12: \"max_size\" must be a string, not a whole number"),
        ("max_size = \"\"", "2:12: \"max_size\" must be a whole number of bytes, with a unit such as"),
        ("max_size = \"256MB\"", "2:12: \"max_size\" must be a whole number of bytes, with a unit such as"),
        ("max_size = \"1.5G\"", "2:12: \"max_size\" must be a whole number of bytes, with a unit such as"),
        ("max_size = \"-1M\"", "2:12: \"max_size\" must be a whole number of bytes, with a unit such as"),
        ("max_size = \"1M\"", "2:12: \"max_size\" must be from \"4M\" to \"1T\", not \"1M\""),
        ("max_size = \"9223372036854775807T\"", "2:12: \"max_size\" must be a whole number of bytes"),
        ("keep_for = \"9d\"", "2:1: \"keep_for\" is not a key of [history]; "),
    ])
    func aWrongValueIsReportedWhereItStands(line: String, beginning: String) {
        let problems = TestSystem().problems("[history]\n\(line)").map { "\($0)" }
        #expect(problems.count == 1 && problems[0].contains(beginning), "\(problems)")
    }

    @Test func allMistakesAreReported() {
        let problems = TestSystem().problems("[history]\nkeep = 1\nkeep_records = 0\nmax_size = \"x\"")
        #expect(problems.compactMap(\.line) == [2, 3, 4])
        #expect(
            TestSystem().problems("history = 1").map(\.message) == ["\"history\" must be a table, not a whole number"]
        )
    }
}
