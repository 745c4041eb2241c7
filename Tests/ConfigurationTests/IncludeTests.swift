import Configuration
import Supervision
import Testing

@Suite struct IncludeTests {
    private static let main = """
        [agent]
        include = ["/etc/conf.d/*.toml", "extra.toml"]
        [defaults]
        restart = "never"
        [workers.web]
        command = "web"

        """

    private func system(_ files: [String: String], _ matches: [String] = []) -> TestSystem {
        var system = TestSystem()
        system.files = ["/here/reeve.toml": Self.main, "/here/extra.toml": ""]
        system.files.merge(files) { $1 }
        system.matches = ["/etc/conf.d/*.toml": matches, "extra.toml": ["extra.toml"]]
        return system
    }

    private func problems(_ system: TestSystem) -> [String] {
        do throws(ConfigurationError) {
            _ = try system.load("reeve.toml")
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func readsFilesInTheOrderOfTheirNames() throws {
        let system = self.system(
            [
                "/etc/conf.d/b.toml": "[workers.b]\ncommand = \"b\"\n[workers.a]\ncommand = \"a\"\ndirectory = \"x\"",
                "/etc/conf.d/a.toml": "[workers.z]\ncommand = \"z\"",
                "/here/extra.toml": "[workers.y]\ncommand = \"y\"",
                "/etc/conf.d/B.toml": "",
            ],
            ["/etc/conf.d/b.toml", "/etc/conf.d/B.toml", "/etc/conf.d/a.toml"]
        )
        let settings = try system.load("reeve.toml")
        #expect(settings.workers.map(\.name) == ["web", "z", "b", "a", "y"])
        #expect(settings.workers.map(\.restart) == [.never, .never, .never, .never, .never])
        #expect(settings.workers[3].directory == "/etc/conf.d/x")
        #expect(
            settings.files == [
                "/here/reeve.toml", "/etc/conf.d/B.toml", "/etc/conf.d/a.toml", "/etc/conf.d/b.toml",
                "/here/extra.toml",
            ]
        )
    }

    @Test func readsAFileOnce() throws {
        let text = "[workers.a]\ncommand = \"a\""
        let system = self.system(
            ["/etc/conf.d/a.toml": text],
            ["/etc/conf.d/a.toml", "/etc/conf.d/./a.toml", "/here/reeve.toml"]
        )
        #expect(try system.load("reeve.toml").workers.map(\.name) == ["web", "a"])
    }

    @Test func aWorkerDefinedTwiceNamesBothPlaces() {
        let system = self.system(["/here/extra.toml": "\n [workers.web]\ncommand = \"x\""])
        #expect(
            self.problems(system) == [
                "extra.toml:2:11: worker \"web\" is defined already at reeve.toml:5:10; rename one of them, or remove it"
            ]
        )
    }

    @Test func anIncludedFileHasWorkersOnly() {
        let system = self.system([
            "/here/extra.toml": "[agent]\n[defaults]\n[history]\n[foo]\n[workers.X]\ncommand = \"x\"\n"
        ])
        #expect(
            self.problems(system).map { String($0.prefix { $0 != ";" }) } == [
                "extra.toml:1:2: \"agent\" cannot stand in an included file, which may hold [workers.NAME] only",
                "extra.toml:2:2: \"defaults\" cannot stand in an included file, which may hold [workers.NAME] only",
                "extra.toml:3:2: \"history\" cannot stand in an included file, which may hold [workers.NAME] only",
                "extra.toml:4:2: \"foo\" is not a key of a configuration",
                "extra.toml:5:10: \"X\" cannot be the name of a worker",
            ]
        )
    }

    @Test func aMistakeOfSyntaxIsToldWithTheMistakesOfOtherFiles() {
        let system = self.system(
            ["/etc/conf.d/a.toml": "[workers\n[workers.b]\nzzz = 1", "/here/extra.toml": "[workers.c]\n"],
            ["/etc/conf.d/a.toml"]
        )
        let problems = self.problems(system)
        #expect(problems.count == 2)
        #expect(problems.first?.hasPrefix("/etc/conf.d/a.toml:1:9: syntax error: ") == true)
        #expect(problems.last?.hasPrefix("extra.toml:1:10: worker \"c\" has no \"command\"") == true)
    }

    @Test func aPatternMayMatchNothingButANameMayNot() throws {
        var system = self.system([:])
        #expect(try system.load("reeve.toml").files == ["/here/reeve.toml", "/here/extra.toml"])
        system.matches["extra.toml"] = []
        #expect(
            self.problems(system) == [
                "reeve.toml:2:34: cannot read \"extra.toml\": No such file or directory; "
                    + "create it, or remove it from \"include\""
            ]
        )
    }

    @Test func tellsWhyAFileOrADirectoryCannotBeRead() {
        var system = self.system(["/etc/conf.d/a.toml": ""], ["/etc/conf.d/a.toml"])
        system.failures = ["/etc/conf.d/a.toml": "Permission denied"]
        #expect(self.problems(system) == ["/etc/conf.d/a.toml: cannot read this file: Permission denied"])
        system.failures = ["/etc/conf.d/*.toml": "Permission denied"]
        #expect(
            self.problems(system) == [
                "reeve.toml:2:12: cannot look for \"/etc/conf.d/*.toml\": Permission denied; "
                    + "make it readable, or remove it from \"include\""
            ]
        )
        #expect(self.problems(TestSystem()) == ["reeve.toml: cannot read this file: No such file or directory"])
    }

    @Test func relativePatternsBeginAtTheMainFile() throws {
        var system = TestSystem()
        system.files = [
            "/etc/[x]/reeve.toml": "[agent]\ninclude = [\"*.d/?.toml\"]",
            "/etc/[x]/a.d/b.toml": "[workers.b]\ncommand = \"b\"",
        ]
        system.matches = ["/etc/\\[x]/*.d/?.toml": ["/etc/[x]/a.d/b.toml"]]
        #expect(try system.load("/etc/[x]/reeve.toml").workers.map(\.name) == ["b"])
    }

    @Test func boundsTheNumberOfFiles() {
        let limit = ConfigurationLoader.maximumIncludedFiles
        let names = (0..<limit).map { "/etc/conf.d/\($0).toml" }
        let files = Dictionary(uniqueKeysWithValues: names.map { ($0, "") })
        let problems = self.problems(self.system(files, names))
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("reeve.toml:2:34: more than 1000 files are included") == true)
        #expect(self.problems(self.system(files, names.dropLast())) == [])
    }
}
