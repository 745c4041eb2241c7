import Configuration
import Testing

@Suite struct BrokenConfigurationTests {
    /// Each comment is the column and the beginning of the message for its line; `//` separates two of them.
    private static let text = """
        [agent]
        state_dir = 7                                  #@ 13 "state_dir" must be a string
        on_keeper_death = "stay"                       #@ 19 "on_keeper_death" cannot be "stay"
        logdir = "/var/log"                            #@ 1 "logdir" is not a key of [agent]

        [control]
        socket_mode = "0999"                           #@ 15 "socket_mode" must be octal, from
        socket_group = "nobody-has-it"                 #@ 16 there is no group "nobody-has-it"
        peers = { operate = ["@nope"], boss = [] }     #@ 22 there is no group "nope" // 32 "boss" is not a role
        hosts = ["web 1"]                              #@ 10 "web 1" is not the name or the address of a host
        [[control.listeners]]
        address = "0.0.0.0:9190"                       #@ 11 a listener beyond loopback needs TLS
        anonymous = "admin"                            #@ 13 "anonymous" cannot be "admin"
        [[control.listeners]]
        address = "0.0.0.0:9190"                       #@ 11 this address is taken // 11 a listener beyond loopback
        [[control.listeners]]                          #@ 1 a listener has no "address"

        [history]
        keep = "90 days"                               #@ 8 "keep" must be a whole number with a unit
        keep_records = 0                               #@ 16 "keep_records" must be from 1 to 10000000, not 0
        max_size = "256MB"                             #@ 12 "max_size" must be a whole number of bytes, with a unit

        [defaults]
        restart = "sometimes"                          #@ 11 "restart" cannot be "sometimes"
        backoff = { initial = "1m" }                   #@ 23 "initial" (1m) is longer than "max" (30s, the default)

        [workers.web]
        command = "cat x | sort"                       #@ 11 "command" is not run by a shell
        retsart = "always"                             #@ 1 "retsart" is not a key of a worker
        user = "app"                                   #@ 1 "user" is not supported yet
        instances = 20000                              #@ 13 "instances" must be from 0 to 10000
        success = [0, 300, "TREM"]                     #@ 15 an exit code is from 0 to 255 // 20 there is no signal
        environment = { A = 1, B = "{prot}" }          #@ 21 the value of "A" must be a string // 28 "{prot}" is not
        autostart = "no"                               #@ 13 "autostart" must be true or false
        [workers.web.backoff]
        max = "10s"                                    #@ 7 "initial" (1m) is longer than "max" (10s)
        jitter = 2.0                                   #@ 10 "jitter" must be from 0.0 to 1.0
        reset_after = "10 s"                           #@ 15 "reset_after" must be a whole number with a unit
        [workers.web.restart_limit]                    #@ 14 "restart_limit" has no "within"
        restarts = 10
        [workers.web.stop]
        signal = "SIGTREM"                             #@ 10 there is no signal "SIGTREM"
        grace = 10                                     #@ 9 "grace" must be a string
        [workers.web.output]
        max_size = "16MB"                              #@ 12 "max_size" must be a whole number of bytes

        [workers.Db]                                   #@ 10 "Db" cannot be the name // 10 worker "Db" has no "command"
        base_port = 65530
        [workers.db]
        command = ["db", "{port}"]                     #@ 18 "{port}" needs a "base_port"
        backoff = { max = "2m" }
        [worker.x]                                     #@ 2 "worker" is not a key of a configuration
        """

    private struct Expected: Hashable, Comparable {
        var line: Int
        var column: Int
        var beginning: String

        static func < (a: Expected, b: Expected) -> Bool {
            (a.line, a.column, a.beginning) < (b.line, b.column, b.beginning)
        }
    }

    private static func expectations() throws -> [Expected] {
        var expected: [Expected] = []
        for (index, line) in Self.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard let comment = line.firstRange(of: "#@ ") else { continue }
            for part in line[comment.upperBound...].split(separator: " // ") {
                let words = part.split(separator: " ", maxSplits: 1)
                let column = try #require(Int(words[0]))
                expected.append(Expected(line: index + 1, column: column, beginning: String(words[1])))
            }
        }
        return expected.sorted()
    }

    @Test func everyMistakeIsToldWithItsPlaceAndNothingElse() throws {
        let expected = try Self.expectations()
        #expect(expected.count == 38)
        let problems = TestSystem().problems(Self.text)
        for problem in problems {
            #expect(problem.file == "reeve.toml")
            #expect(!problem.advice.isEmpty)
        }
        let told = problems.map { problem in
            let place = Expected(line: problem.line ?? 0, column: problem.column ?? 0, beginning: problem.message)
            // Shortened to what is expected at that place, so that both lists compare whole.
            let match = expected.first { candidate in
                (candidate.line, candidate.column) == (place.line, place.column)
                    && place.beginning.hasPrefix(candidate.beginning)
            }
            return match ?? place
        }
        #expect(told.sorted() == expected)
    }

    @Test func theSameOnLinesThatEndAsOnWindows() {
        let problems = TestSystem().problems(Self.text)
        let text = Self.text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
        #expect(TestSystem().problems(text) == problems)
        #expect(TestSystem().problems("\u{FEFF}" + text) == problems)
    }
}
