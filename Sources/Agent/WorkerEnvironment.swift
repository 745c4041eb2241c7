import Glibc
import Supervision

/// What a run finds in its environment.
struct WorkerEnvironment: Sendable {
    /// The agent's own variables, as they were when it started.
    let own: [EnvironmentEntry]

    /// Passed on to every worker.
    private static let passedOn: Set<String> = ["PATH", "HOME", "USER", "LANG", "TZ"]
    /// Never passed on, not even with `inherit_environment`: they speak of the agent's own sockets and of its loader.
    private static let withheld: Set<String> = [
        "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID", "LD_PRELOAD",
        "LD_LIBRARY_PATH", "LD_AUDIT", "REEVE_CONFIG", "REEVE_WORKER", "REEVE_INSTANCE", "REEVE_RUN_ID",
    ]
    /// Where the agent has no PATH of its own.
    private static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    init(own: [EnvironmentEntry]) {
        self.own = own
    }

    /// The variables of this process. Called before there are threads.
    static func ofThisProcess() -> WorkerEnvironment {
        var own: [EnvironmentEntry] = []
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                own.append(
                    EnvironmentEntry(name: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
                )
            }
            next += 1
        }
        return WorkerEnvironment(own: own)
    }

    /// The variables of a run as `NAME=value`. Reads the environment file, so it may wait for a disk.
    func variables(for plan: SpawnPlan) throws(StartError) -> [String] {
        let specification = plan.specification
        var values: [String: String] = [:]
        var order: [String] = []
        func set(_ name: String, _ value: String) {
            if values.updateValue(value, forKey: name) == nil {
                order.append(name)
            }
        }
        set("PATH", Self.defaultPath)
        for entry in self.own where !Self.withheld.contains(entry.name) {
            if specification.inheritEnvironment || Self.passedOn.contains(entry.name) {
                set(entry.name, entry.value)
            }
        }
        if let file = specification.environmentFile {
            for entry in try EnvironmentFile.read(file) {
                set(entry.name, entry.value)
            }
        }
        let placeholders = specification.placeholders(instance: plan.instance.index)
        for entry in specification.environment {
            set(entry.name, Self.expand(entry.value, placeholders))
        }
        set("REEVE_WORKER", plan.instance.worker)
        set("REEVE_INSTANCE", String(plan.instance.index))
        set("REEVE_RUN_ID", plan.run.description)
        return order.map { "\($0)=\(values[$0] ?? "")" }
    }

    /// The configuration was checked: every placeholder is known.
    static func expand(_ text: String, _ placeholders: Placeholders) -> String {
        do {
            return try placeholders.expand(text)
        } catch {
            preconditionFailure("a placeholder that the configuration let through: \(text)")
        }
    }
}
