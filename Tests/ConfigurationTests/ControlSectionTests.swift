import Configuration
import ControlMessages
import Testing

@Suite struct ControlSectionTests {
    private func problems(_ text: String) -> [String] {
        TestSystem().problems("[control]\n" + text).map {
            "\(($0.line ?? 0) - 1):\($0.column ?? 0): \($0.message)"
        }
    }

    @Test func hasItsDefaults() throws {
        let control = try TestSystem().loadText("[control]\n").control
        #expect(control == ControlSettings(socket: "/run/user/1000/reeve/control.sock"))
        #expect(control.socketMode == 0o600)
    }

    @Test func takesWhatTheFileSays() throws {
        let control = try TestSystem().loadText(
            """
            [control]
            socket = "/run/x.sock"
            socket_mode = "0660"
            socket_group = "ops"
            peers = { operate = ["deploy", "@ops", "1000"], monitor = ["nagios", 65534] }
            hosts = ["Web1.example.org", "10.0.0.1", "[0:0::1]", "::2"]
            [[control.listeners]]
            address = "127.0.0.1:9190"
            anonymous = "monitor"
            [[control.listeners]]
            address = "[::1]:0"
            max_role = "operate"
            anonymous = "none"
            [[control.listeners]]
            address = "0.0.0.0:9191"
            max_role = "monitor"
            [[control.listeners]]
            address = "localhost:9192"
            """
        ).control
        #expect(control.socket == "/run/x.sock")
        #expect(control.socketMode == 0o660)
        #expect(control.socketGroup == "ops")
        #expect(
            control.peers == [
                PeerRule(role: .operate, principal: .user("deploy")),
                PeerRule(role: .operate, principal: .group("ops")),
                PeerRule(role: .operate, principal: .uid(1000)), PeerRule(role: .monitor, principal: .user("nagios")),
                PeerRule(role: .monitor, principal: .uid(65534)),
            ]
        )
        #expect(control.hosts == ["web1.example.org", "10.0.0.1", "[::1]", "[::2]"])
        #expect(
            control.listeners == [
                ListenerSettings(host: "127.0.0.1", port: 9190, anonymous: .monitor),
                ListenerSettings(host: "::1", port: 0, maximumRole: .operate),
                ListenerSettings(host: "0.0.0.0", port: 9191, maximumRole: .monitor),
                ListenerSettings(host: "127.0.0.1", port: 9192),
            ]
        )
    }

    @Test(arguments: [
        ("socket = \"@reeve\"", "1:10: \"socket\" must be a path, not an abstract name"),
        ("socket_mode = 600", "1:15: \"socket_mode\" must be a string, not a whole number"),
        ("socket_mode = \"0800\"", "\"0000\" to \"0777\", not \"0800\""),
        ("socket_mode = \"1777\"", "\"0000\" to \"0777\", not \"1777\""),
        ("socket_mode = \"rw\"", "\"0000\" to \"0777\", not \"rw\""),
        ("socket_mode = \"+600\"", "\"0000\" to \"0777\", not \"+600\""),
        ("socket_group = \"opz\"", "1:16: there is no group \"opz\""),
        ("peers = [\"deploy\"]", "1:9: \"peers\" must be a table, not an array"),
        ("peers = { operat = [] }", "1:11: \"operat\" is not a role"),
        ("peers = { operate = \"deploy\" }", "1:21: \"operate\" must be an array of users and groups, not a string"),
        ("peers = { operate = [\"nobody2\"] }", "1:22: there is no user \"nobody2\""),
        ("peers = { operate = [\"@wheel\"] }", "1:22: there is no group \"wheel\""),
        ("peers = { operate = [\"@\"] }", "1:22: there is no group \"\""),
        ("peers = { operate = [4294967295] }", "1:22: \"4294967295\" is not the number of a user"),
        ("peers = { operate = [\"+1\"] }", "1:22: there is no user \"+1\""),
        ("peers = { operate = [-1] }", "1:22: \"-1\" is not the number of a user"),
        ("peers = { operate = [true] }", "1:22: a peer must be a string, not a boolean"),
        ("peers = { read = [\"deploy\"], admin = [\"deploy\"] }", "1:39: this peer has the role \"read\" already"),
        ("hosts = \"x\"", "1:9: \"hosts\" must be an array of strings, not a string"),
        ("hosts = [\"http://x\"]", "1:10: \"http://x\" is not the name or the address of a host"),
        ("hosts = [\"x:80\"]", "1:10: \"x:80\" is not the name or the address of a host"),
        ("hosts = [\"*.x\"]", "1:10: \"*.x\" is not the name or the address of a host"),
        ("hosts = [\"\"]", "1:10: \"\" is not the name or the address of a host"),
        ("hosts = [\"[::1\"]", "1:10: \"[::1\" is not the name or the address of a host"),
        ("tokens = []", "1:1: \"tokens\" is not supported yet"),
        ("[[control.tokens]]\nname = \"x\"", "2:1: \"name\" in \"tokens\" is not supported yet"),
        ("[[control.tokens]]\nnam = \"x\"", "2:1: \"nam\" is not a key of \"tokens\""),
        ("listeners = { address = \"127.0.0.1:1\" }", "1:13: \"listeners\" must be an array of tables, not a table"),
        ("listeners = [1]", "1:14: a listener must be a table, not a whole number"),
    ])
    func refusesWhatIsWrong(_ example: (text: String, problem: String)) {
        let problems = self.problems(example.text)
        #expect(problems.count == 1)
        #expect(problems.first?.hasSuffix(example.problem) == true, "\(problems)")
    }

    @Test(arguments: [
        ("address = \"127.0.0.1\"", "2:11: \"address\" has no port in \"127.0.0.1\""),
        ("address = \"127.0.0.1:\"", "2:11: \"address\" has no port from 0 to 65535 in \"127.0.0.1:\""),
        ("address = \"127.0.0.1:65536\"", "2:11: \"address\" has no port from 0 to 65535 in \"127.0.0.1:65536\""),
        ("address = \"127.0.0.1:+1\"", "2:11: \"address\" has no port from 0 to 65535 in \"127.0.0.1:+1\""),
        ("address = \":9190\"", "2:11: \"address\" does not begin with a numeric address in \":9190\""),
        ("address = \"*:9190\"", "2:11: \"address\" does not begin with a numeric address in \"*:9190\""),
        ("address = \"::1:9190\"", "2:11: \"address\" does not begin with a numeric address in \"::1:9190\""),
        ("address = \"[127.0.0.1]:1\"", "2:11: \"address\" does not begin with a numeric address in \"[127.0.0.1]:1\""),
        ("address = \"web1:1\"", "2:11: \"address\" does not begin with a numeric address in \"web1:1\""),
        ("address = \"127.1:1\"", "2:11: \"address\" does not begin with a numeric address in \"127.1:1\""),
        ("anonymous = \"none\"", "1:1: a listener has no \"address\""),
        ("address = \"127.0.0.1:1\"\nanonymous = \"operate\"", "3:13: \"anonymous\" cannot be \"operate\""),
        ("address = \"127.0.0.1:1\"\nmax_role = \"none\"", "3:12: \"max_role\" cannot be \"none\""),
        (
            "address = \"127.0.0.1:1\"\nanonymous = \"read\"\nmax_role = \"monitor\"",
            "3:13: \"anonymous\" (read) is more than \"max_role\" (monitor) allows"
        ),
        (
            "address = \"0.0.0.0:1\"",
            "2:11: a listener beyond loopback needs TLS, which is not supported yet, or max_role = \"monitor\""
        ),
        (
            "address = \"[::]:1\"\nmax_role = \"read\"",
            "2:11: a listener beyond loopback needs TLS, which is not supported yet, or max_role = \"monitor\""
        ),
        (
            "address = \"0.0.0.0:1\"\nmax_role = \"read\"\ntls = { certificate = \"x\" }",
            "4:9: \"certificate\" in \"tls\" is not supported yet"
        ),
        ("address = \"127.0.0.1:1\"\ntls = {}", "3:1: \"tls\" is not supported yet"),
        ("adress = \"127.0.0.1:1\"\naddress = \"127.0.0.1:1\"", "2:1: \"adress\" is not a key of a listener"),
        (
            "address = \"127.0.0.1:1\"\n[[control.listeners]]\naddress = \"localhost:1\"",
            "4:11: this address is taken by the listener of line 3, column 11"
        ),
        (
            "address = \"127.0.0.1:1\"\n[[control.listeners]]\naddress = \"0.0.0.0:1\"\nmax_role = \"monitor\"",
            "4:11: this address is taken by the listener of line 3, column 11"
        ),
    ])
    func refusesListenersThatAreWrong(_ example: (text: String, problem: String)) {
        #expect(self.problems("[[control.listeners]]\n" + example.text) == [example.problem])
    }

    @Test(arguments: ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[0:0::1]:1", "[::ffff:127.0.0.1]:1", "localhost:1"])
    func loopbackNeedsNoTLS(_ address: String) {
        #expect(self.problems("[[control.listeners]]\naddress = \"\(address)\"\n").isEmpty)
    }

    @Test func listenersOnAnyFreePortDoNotCollide() {
        let listener = "[[control.listeners]]\naddress = \"127.0.0.1:0\"\n"
        #expect(self.problems(listener + listener).isEmpty)
        #expect(self.problems(String(repeating: listener, count: 64)).isEmpty)
        #expect(self.problems(String(repeating: listener, count: 65)).count == 1)
    }

    @Test func boundsThePathOfTheSocketInBytes() throws {
        let fits = "/" + String(repeating: "ä", count: 53)
        #expect(fits.utf8.count == 107)
        #expect(try TestSystem().loadText("[control]\nsocket = \"\(fits)\"").control.socket == fits)
        #expect(self.problems("socket = \"\(fits)x\"") == ["1:10: \"socket\" has 108 bytes and may have 107"])
        var system = TestSystem()
        system.environment["XDG_RUNTIME_DIR"] = "/" + String(repeating: "x", count: 100)
        let problems = system.problems("")
        #expect(problems.map(\.line) == [nil])
        #expect(problems.first?.message.hasPrefix("the default for \"socket\"") == true)
    }

    @Test func aClientLearnsTheSocketInSpiteOfOtherMistakes() {
        func socket(_ text: String) -> String? {
            var system = TestSystem()
            system.files["/here/reeve.toml"] = text
            return ConfigurationLoader.controlSocket(
                path: "reeve.toml",
                environment: system.environment,
                isRoot: false,
                system: system.access
            )
        }
        #expect(socket("[control]\nsocket = \"/s\"\nunknown = 1\n[workers.X]\n") == "/s")
        #expect(socket("") == "/run/user/1000/reeve/control.sock")
        #expect(socket("[control]\nsocket = 1") == nil)
        #expect(socket("[control") == nil)
    }
}
