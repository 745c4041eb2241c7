import Glibc
import Supervision

/// What a run finds in its environment.
struct WorkerEnvironment: Sendable {
    /// The agent's own variables, as they were when it started.
    let own: [EnvironmentEntry]
    /// What a worker gets that asks for nothing more, as `NAME=value`: with `inherit_environment` and without. Most do, and
    /// then a restart has nothing to put together but what names the run.
    private let inherited: [String]
    private let passed: [String]

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
        self.inherited = Self.formatted(Self.base(own, inherits: true))
        self.passed = Self.formatted(Self.base(own, inherits: false))
    }

    /// The variables that come from the agent; a later one of the same name wins.
    private static func base(_ own: [EnvironmentEntry], inherits: Bool) -> [EnvironmentEntry] {
        let wanted = own.filter { entry in
            !Self.withheld.contains(entry.name) && (inherits || Self.passedOn.contains(entry.name))
        }
        return [EnvironmentEntry(name: "PATH", value: Self.defaultPath)] + wanted
    }

    /// As `NAME=value`, each name once, in the order in which they came first.
    private static func formatted(_ entries: [EnvironmentEntry]) -> [String] {
        var values: [String: String] = [:]
        var order: [String] = []
        for entry in entries where values.updateValue(entry.value, forKey: entry.name) == nil {
            order.append(entry.name)
        }
        return order.map { "\($0)=\(values[$0] ?? "")" }
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
        let inherits = specification.inheritEnvironment
        if specification.environmentFile == nil, specification.environment.isEmpty {
            var variables = inherits ? self.inherited : self.passed
            variables.reserveCapacity(variables.count + 3)
            variables.append("REEVE_WORKER=" + plan.instance.worker)
            variables.append("REEVE_INSTANCE=" + String(plan.instance.index))
            variables.append("REEVE_RUN_ID=" + plan.run.description)
            return variables
        }
        let ofTheRun = [
            EnvironmentEntry(name: "REEVE_WORKER", value: plan.instance.worker),
            EnvironmentEntry(name: "REEVE_INSTANCE", value: String(plan.instance.index)),
            EnvironmentEntry(name: "REEVE_RUN_ID", value: plan.run.description),
        ]
        var entries = Self.base(self.own, inherits: inherits)
        if let file = specification.environmentFile {
            entries += try EnvironmentFile.read(file)
        }
        let placeholders = specification.placeholders(instance: plan.instance.index)
        for entry in specification.environment {
            entries.append(EnvironmentEntry(name: entry.name, value: Self.expand(entry.value, placeholders)))
        }
        return Self.formatted(entries + ofTheRun)
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
