import Supervision
import Testing

@testable import Agent

@Suite
struct WorkerEnvironmentTests {
    private static let run = RunID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)

    private func variables(
        _ own: [(String, String)],
        _ change: (inout WorkerSpecification) -> Void = { _ in }
    ) throws -> [String] {
        var worker = WorkerSpecification(name: "web", command: ["/bin/web"])
        change(&worker)
        let environment = WorkerEnvironment(own: own.map { EnvironmentEntry(name: $0.0, value: $0.1) })
        let plan = SpawnPlan(instance: InstanceID(worker: "web", index: 1), run: Self.run, specification: worker)
        return try environment.variables(for: plan)
    }

    private static let ofTheRun = ["REEVE_WORKER=web", "REEVE_INSTANCE=1", "REEVE_RUN_ID=\(Self.run)"]

    @Test
    func onlyAFewVariablesArePassedOn() throws {
        let own = [
            ("PATH", "/bin"), ("HOME", "/root"), ("SECRET", "x"), ("NOTIFY_SOCKET", "/s"), ("REEVE_RUN_ID", "old"),
        ]
        #expect(try self.variables(own) == ["PATH=/bin", "HOME=/root"] + Self.ofTheRun)
        #expect(
            try self.variables(own) { $0.inheritEnvironment = true }
                == ["PATH=/bin", "HOME=/root", "SECRET=x"] + Self.ofTheRun
        )
    }

    @Test
    func thereIsAlwaysAPath() throws {
        #expect(try self.variables([]).first?.hasPrefix("PATH=/usr/local/sbin:") == true)
    }

    @Test
    func whatTheConfigurationSaysWinsButForTheNamesOfTheRun() throws {
        let variables = try self.variables([("PATH", "/bin"), ("HOME", "/root")]) {
            $0.basePort = 8000
            $0.environment = [
                EnvironmentEntry(name: "HOME", value: "/srv"), EnvironmentEntry(name: "PORT", value: "{port}"),
                EnvironmentEntry(name: "REEVE_INSTANCE", value: "7"),
            ]
        }
        #expect(
            variables == [
                "PATH=/bin", "HOME=/srv", "PORT=8001", "REEVE_INSTANCE=1", "REEVE_WORKER=web",
                "REEVE_RUN_ID=\(Self.run)",
            ]
        )
    }
}
