import Configuration
import Testing

@Suite struct AgentSectionTests {
    @Test func rootHasThePathsOfTheSystem() throws {
        let settings = try TestSystem().loadText("", isRoot: true)
        #expect(settings.agent == AgentSettings(stateDirectory: "/var/lib/reeve", logDirectory: "/var/log/reeve"))
        #expect(settings.control.socket == "/run/reeve/control.sock")
        #expect(settings.workers.isEmpty)
        #expect(settings.files == ["/here/reeve.toml"])
    }

    @Test func aUserHasPathsOfTheirOwn() throws {
        var system = TestSystem()
        var settings = try system.loadText("")
        #expect(settings.agent.stateDirectory == "/home/me/.local/state/reeve")
        #expect(settings.agent.logDirectory == "/home/me/.local/state/reeve/logs")
        #expect(settings.control.socket == "/run/user/1000/reeve/control.sock")
        system.environment = ["XDG_STATE_HOME": "/state/", "HOME": "/home/me"]
        settings = try system.loadText("")
        #expect(settings.agent == AgentSettings(stateDirectory: "/state/reeve", logDirectory: "/state/reeve/logs"))
        #expect(settings.control.socket == "/state/reeve/control.sock")
    }

    @Test func variablesThatAreNoAbsolutePathsCountAsUnset() throws {
        var system = TestSystem()
        system.environment = ["XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": "", "HOME": "/h"]
        let settings = try system.loadText("")
        #expect(settings.agent.stateDirectory == "/h/.local/state/reeve")
        #expect(settings.control.socket == "/h/.local/state/reeve/control.sock")
    }

    @Test func aUserWithoutAHomeMustNameTheStateDirectory() throws {
        var system = TestSystem()
        system.environment = [:]
        let problems = system.problems("")
        #expect(problems.count == 1)
        #expect(problems.first?.line == nil)
        #expect(problems.first?.message.contains("\"state_dir\"") == true)
        let settings = try system.loadText("[agent]\nstate_dir = \"/s\"")
        #expect(settings.agent == AgentSettings(stateDirectory: "/s", logDirectory: "/s/logs"))
        #expect(settings.control.socket == "/s/control.sock")
    }

    @Test func takesWhatTheFileSays() throws {
        let settings = try TestSystem().loadText(
            """
            [agent]
            state_dir = "/srv//reeve/./state/"
            log_dir = "logs"
            """
        )
        #expect(settings.agent == AgentSettings(stateDirectory: "/srv/reeve/state", logDirectory: "/here/logs"))
    }

    @Test(arguments: [
        ("state_dir = 1", "1:13: \"state_dir\" must be a string, not a whole number"),
        ("state_dir = \"\"", "1:13: \"state_dir\" must not be empty"),
        ("state_dir = \"~/x\"", "1:13: \"state_dir\" cannot begin with \"~\", which only a shell expands"),
        ("log_dir = \"/a\\u0000b\"", "1:11: \"log_dir\" must not hold a zero byte"),
        ("log_dir = [\"/a\"]", "1:11: \"log_dir\" must be a string, not an array"),
        ("include = \"a.toml\"", "1:11: \"include\" must be an array of strings, not a string"),
        ("include = [\"\", 1, \"~x\"]", "1:12: an element of \"include\" must not be empty"),
        (
            "on_keeper_death = \"stay\"",
            "1:19: \"on_keeper_death\" cannot be \"stay\""
        ),
        ("statedir = \"/x\"", "1:1: \"statedir\" is not a key of [agent]"),
        ("\"a\\nb\\u001b\" = 1", "1:1: \"a\\nb\\u001B\" is not a key of [agent]"),
    ])
    func refusesWhatIsWrong(_ example: (text: String, problem: String)) {
        let first = TestSystem().problems("[agent]\n" + example.text).first
        #expect(first.map { "\(($0.line ?? 0) - 1):\($0.column ?? 0): \($0.message)" } == example.problem)
        #expect(first?.advice.isEmpty == false)
    }

    @Test func aPathMayNotBeLongerThanTheKernelTakes() {
        let long = "/" + String(repeating: "x", count: 4095)
        #expect(TestSystem().problems("[agent]\nstate_dir = \"\(long)\"").count == 1)
        #expect(
            TestSystem().problems("[agent]\nstate_dir = \"\(long.dropLast())\"\n[control]\nsocket = \"/s\"").isEmpty
        )
    }

    @Test(arguments: [
        "agent = 1", "agent = []", "[[agent]]", "control = \"x\"", "defaults = 1", "workers = 1", "[[workers]]",
    ])
    func aSectionIsATable(_ text: String) {
        let problems = TestSystem().problems(text)
        #expect(problems.count == 1)
        #expect(problems.first?.message.contains("must be a table") == true)
    }
}
