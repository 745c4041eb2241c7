import FoundationEssentials
import TestSupport
import Testing

extension AgentTests {
    @Suite struct BrokenConfigurationTests {
        /// One mistake a line, each line marked by what follows its `#`.
        static let mistakes = """
            [agent]
            state_dir = 5                              # 1
            colour = "blue"                            # 2
            [control]
            socket_mode = "rwx"                        # 3
            [[control.listeners]]
            address = "nowhere"                        # 4
            anonymous = "everybody"                    # 5
            [defaults]
            restart = "sometimes"                      # 6
            [workers.web]
            command = ["/bin/true"]
            instances = -1                             # 7
            autostart = "yes"                          # 8
            success = [300]                            # 9
            no_restart = ["SIGNOTHING"]                # 10
            environment = { GREETING = "{nobody}" }    # 11
            backoff = { factor = 0.5 }                 # 12
            stop = { grace = "soon" }                  # 13
            [workers.piped]
            command = "/bin/cat file | /usr/bin/wc"    # 14
            [workers.port]
            command = ["/bin/echo", "{port}"]          # 15
            [workers.none]
            command = []                               # 16
            [workers.Upper]                            # 17
            command = ["/bin/true"]
            [workers.limit]
            command = ["/bin/true"]
            restart_limit = { restarts = 3 }           # 18
            [workers.later]
            command = ["/bin/true"]
            ready = { tcp = "127.0.0.1:1" }            # 19
            [workers.noise]
            command = ["/bin/true"]
            stop = { signal = "LOUD" }                 # 20
            """

        static var places: [Int] {
            Self.mistakes.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
                .filter { $1.contains("# ") }
                .map { $0.offset + 1 }
        }

        @Test(arguments: ["check-config", "run"])
        func twentyMistakesAreAnsweredWithTwentyPlaces(command: String) throws {
            let directory = try TemporaryDirectory()
            let path = try directory.write(Self.mistakes, to: "reeve.toml")
            let result = try run([executable, command, "--config", path], directory: directory.path)
            #expect(result.code == 2)
            let told = result.output + result.errors
            #expect(Self.places.count == 20)
            let lines = told.split(separator: "\n")
            let missing = Self.places.filter { place in !lines.contains { $0.hasPrefix("\(path):\(place):") } }
            #expect(missing.isEmpty, "these lines are not named in\n\(told)")
            #expect(told.contains("reeve: \(path) has 20 problems"))
            #expect(ProcessEntry.alive(inDirectory: directory.path).isEmpty, "nothing is started")
        }

        @Test func mistakesAndTheirAbsenceCanBeReadAsJSON() throws {
            let directory = try TemporaryDirectory()
            let path = try directory.write(Self.mistakes, to: "reeve.toml")
            let broken = try run([executable, "check-config", "--json", "--config", path])
            #expect(broken.code == 2)
            let result = try JSONDecoder().decode(Checked.self, from: Data(broken.output.utf8))
            #expect(result.workers == nil)
            #expect(result.problems.compactMap(\.line) == Self.places)
            #expect(result.problems.allSatisfy { $0.column ?? 0 > 0 && !$0.message.isEmpty })
            let whole = try directory.write("[workers.web]\ncommand = [\"/bin/true\"]\n", to: "whole.toml")
            let good = try run([executable, "check-config", "--json", "--config", whole])
            #expect(good.code == 0)
            #expect(good.output == "{\"file\":\"\(whole)\",\"workers\":1,\"problems\":[],\"omitted\":0}\n")
        }

        private struct Checked: Decodable {
            struct Problem: Decodable {
                var line: Int?
                var column: Int?
                var message: String
            }

            var workers: Int?
            var problems: [Problem]
        }

        @Test func whatIsNotSupportedYetIsNotIgnored() throws {
            let directory = try TemporaryDirectory()
            let text = """
                [workers.web]
                command = ["/bin/true"]
                ready = { tcp = "127.0.0.1:1" }
                """
            let path = try directory.write(text, to: "reeve.toml")
            let result = try run([executable, "check-config", "--config", path])
            #expect(result.code == 2)
            #expect((result.output + result.errors).contains("not supported yet"))
        }

        @Test func aSyntaxErrorHasItsPlace() throws {
            let directory = try TemporaryDirectory()
            let path = try directory.write("[workers.web]\ncommand = [\"/bin/true\"\n", to: "reeve.toml")
            let result = try run([executable, "check-config", "--config", path])
            #expect(result.code == 2)
            #expect((result.output + result.errors).contains("reeve.toml:"))
        }

        @Test func aFileThatIsMissingIsNamed() throws {
            for command in ["check-config", "run"] {
                let result = try run([executable, command, "--config", "/nonexistent/reeve.toml"])
                #expect(result.code == 2)
                #expect(result.errors.contains("/nonexistent/reeve.toml"))
            }
        }

        @Test func aGoodConfigurationIsZeroAndStartsNothing() throws {
            let directory = try TemporaryDirectory()
            let text = "[defaults]\ndirectory = \"\(directory.path)\"\n" + shellWorker("web", ": >started; " + lives)
            let path = try directory.write(text, to: "reeve.toml")
            let result = try run([executable, "check-config", "--config", path])
            #expect(result.code == 0, "\(result.output)\(result.errors)")
            #expect(!directory.exists("started"))
        }
    }
}
