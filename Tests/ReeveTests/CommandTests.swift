import ArgumentParser
import Configuration
import ControlClient
import ControlMessages
import Testing

@testable import reeve

@Suite struct CommandStatusTests {
    @Test(arguments: [
        (200, 0), (202, 0), (424, 1), (400, 2), (404, 2), (405, 2), (410, 2), (413, 2), (415, 2), (422, 2), (500, 3),
        (503, 3), (502, 3), (302, 3), (401, 4), (403, 4), (504, 5), (409, 6), (412, 6), (423, 6),
    ])
    func anAnswerHasAStatus(http: Int, status: Int32) {
        #expect(CommandStatus(httpStatus: http).rawValue == status)
    }

    @Test func noAnswerHasAStatus() {
        #expect(CommandStatus(.cannotReach(endpoint: "/x", reason: .noSocket)) == .unreachable)
        #expect(CommandStatus(.cannotReach(endpoint: "/x", reason: .notPermitted)) == .notAllowed)
        #expect(CommandStatus(.timedOut(endpoint: "/x")) == .unreachable)
        #expect(CommandStatus(.invalidRequest("x")) == .usage)
    }

    @Test(arguments: [
        ("succeeded", false, CommandStatus.done), ("failed", false, .notAsDesired), ("aborted", false, .conflict),
        ("running", false, .inProgress), ("running", true, .done), ("pending", true, .done),
        ("failed", true, .notAsDesired),
    ])
    func anOperationHasAStatus(state: String, isDetached: Bool, status: CommandStatus) {
        #expect(CommandStatus(Samples.operation(state: state, instances: []), isDetached: isDetached) == status)
    }
}

@Suite struct ArgumentsTests {
    private func fails(_ arguments: String...) -> Bool {
        (try? Reeve.parseAsRoot(arguments)) == nil
    }

    @Test func operationsTakeTheirOptions() throws {
        let parsed = try Reeve.parseAsRoot([
            "restart", "web*", "api", "--timeout", "60s", "--observe", "1s", "--grace", "0s", "--reason", "release 42",
        ])
        let command = try #require(parsed as? RestartCommand)
        #expect(command.arguments.workers == ["web*", "api"])
        #expect(command.arguments.common.timeout?.text == "60s")
        #expect(command.observe?.text == "1s")
        #expect(command.grace?.text == "0s")
        #expect(command.arguments.common.reason == "release 42")
    }

    @Test func scaleTakesAWorkerAndANumber() throws {
        let parsed = try Reeve.parseAsRoot(["scale", "web", "4", "--persist", "--grace", "1s", "--no-wait"])
        let command = try #require(parsed as? ScaleCommand)
        #expect(command.worker == "web")
        #expect(command.count == 4)
        #expect(command.common.persist && command.common.isDetached)
        #expect(command.grace?.text == "1s")
        #expect(self.fails("scale", "web"))
        #expect(self.fails("scale", "web", "many"))
        #expect(self.fails("scale", "web", "10001"))
        #expect(self.fails("scale", "web", "--", "-1"))
        #expect(self.fails("scale", "web", "2", "--instance", "0"))
    }

    @Test func contradictionsAreMistakes() {
        #expect(self.fails("start"))
        #expect(self.fails("start", "web", "--grace", "1s"))
        #expect(self.fails("stop", "web", "--observe", "1s"))
        #expect(self.fails("stop", "web", "--timeout", "1 minute"))
        #expect(self.fails("stop", "web", "api", "--instance", "0"))
        #expect(self.fails("stop", "web*", "--instance", "0"))
        #expect(self.fails("stop", "web", "--instance=-1"))
        #expect(self.fails("stop", "web", "--no-wait", "--timeout", "1s"))
        #expect(self.fails("signal", "web", "NONSENSE"))
        #expect(self.fails("exits", "--limit", "0"))
        #expect(self.fails("status", "--socket", "/x", "--url", "http://localhost"))
        #expect(self.fails("status", "--token-file", "/x"))
        #expect(!self.fails("status", "--url", "http://localhost", "--token-file", "/x"))
        #expect(!self.fails("signal", "web", "hup", "--group"))
    }

    @Test func mistakesAndUnreachableAgentsEndWithTheirStatus() {
        #expect(Reeve.run(arguments: ["start"]) == 2)
        #expect(Reeve.run(arguments: ["status", "--socket", "/nonexistent/control.sock"]) == 3)
        #expect(Reeve.run(arguments: ["stop", "web", "--socket", "/nonexistent/control.sock", "--json"]) == 3)
        #expect(Reeve.run(arguments: ["check-config", "--config", "/nonexistent/reeve.toml"]) == 2)
        #expect(Reeve.run(arguments: ["status", "--config", "/nonexistent/reeve.toml"]) == 2)
    }
}

@Suite struct WorkerSelectionTests {
    private let names = ["db", "web", "web-admin", "job"]

    private func message(_ arguments: String...) -> String? {
        do {
            _ = try WorkerSelection.expand(arguments, among: self.names)
            return nil
        } catch {
            #expect(error.status == .usage)
            return error.message
        }
    }

    @Test func namesAndGlobsAreExpandedInTheAgentsOrder() throws {
        #expect(try WorkerSelection.expand(["web*", "db"], among: self.names) == ["db", "web", "web-admin"])
        #expect(try WorkerSelection.expand(["job", "job", "j?b"], among: self.names) == ["job"])
        #expect(try WorkerSelection.expand(["*"], among: self.names) == self.names)
    }

    @Test func aWrongNameSuggestsTheNearOne() {
        #expect(self.message("wbe") == "no worker is called \"wbe\"; did you mean \"web\"?")
        #expect(self.message("db", "something-else") == "no worker is called \"something-else\"")
        #expect(self.message("x*") == "no worker's name matches \"x*\"")
        #expect(self.message("\u{1b}[2J") == #"no worker is called "\x1b[2J""#)
    }

    @Test func anInstancesNameIsExplained() {
        #expect(
            self.message("web.1") == "no worker is called \"web.1\"; for one instance say web --instance 1"
        )
        #expect(self.message("nothing.x") == "no worker is called \"nothing.x\"")
    }
}

@Suite struct SocketSearchTests {
    private func search(existing: Set<String>, environment: [String: String] = [:], isRoot: Bool) -> SocketSearch {
        var system = SystemAccess.linux
        system.exists = { existing.contains($0) }
        system.read = { _ in .failure(SystemAccess.Failure(reason: "No such file or directory")) }
        return SocketSearch(environment: environment, isRoot: isRoot, system: system)
    }

    @Test func theFirstSocketThatIsThereIsTaken() throws {
        let environment = ["XDG_RUNTIME_DIR": "/run/user/1000"]
        let user = "/run/user/1000/reeve/control.sock"
        let system = "/run/reeve/control.sock"
        func find(_ existing: Set<String>, isRoot: Bool = false) throws -> String {
            try self.search(existing: existing, environment: environment, isRoot: isRoot).find(config: nil)
        }
        #expect(try find([user, system]) == user)
        #expect(try find([system]) == system)
        #expect(try find([]) == user)
        #expect(try find([system], isRoot: true) == system)
    }

    @Test func aConfigurationThatIsNamedMustBeReadable() {
        #expect(throws: CommandFailure.self) { try self.search(existing: [], isRoot: true).find(config: "/x.toml") }
    }

    @Test func aConfigurationThatIsFoundAndBrokenIsPassedOver() throws {
        var search = self.search(existing: ["/etc/reeve/reeve.toml", "/run/reeve/control.sock"], isRoot: true)
        var words: [String] = []
        search.complain = { words.append($0) }
        #expect(try search.find(config: nil) == "/run/reeve/control.sock")
        #expect(words.count == 1)
        #expect(words.first?.contains("/etc/reeve/reeve.toml") == true)
    }
}
