internal import Supervision

/// The keys of one table of a configuration: those that are read, and those that the product will have.
///
/// The second are refused with their place and never ignored: a worker that somebody believes to run as another user
/// must not run as root.
struct Section: Sendable {
    /// What is in a key that is not supported yet.
    enum Later: Sendable {
        case value
        /// A table, or an array of tables, with these keys.
        case table([String])
    }

    /// Stands in messages, as in `is not a key of a worker`.
    let phrase: String
    let keys: [String]
    let later: [String: Later]
    /// Whether nothing of it is read yet.
    let isLater: Bool

    init(_ phrase: String, _ keys: [String], later: [String: Later] = [:], isLater: Bool = false) {
        self.phrase = phrase
        self.keys = keys
        self.later = later
        self.isLater = isLater
    }

    /// The keys to suggest, in a fixed order: a dictionary's changes from process to process.
    var allKeys: [String] {
        self.keys + self.later.keys.sorted()
    }

    static let root = Section("a configuration", ["agent", "control", "history", "defaults", "workers"])

    static let agent = Section("[agent]", ["state_dir", "log_dir", "on_keeper_death", "include"])

    static let control = Section(
        "[control]",
        ["socket", "socket_mode", "socket_group", "peers", "hosts", "listeners"],
        later: ["tokens": .table(["name", "role", "sha256", "workers", "expires"])]
    )

    static let listener = Section(
        "a listener",
        ["address", "anonymous", "max_role"],
        later: ["tls": .table(["certificate", "key", "client_ca"])]
    )

    static let history = Section("[history]", ["keep", "keep_records", "keep_per_worker", "max_size"])

    static let worker = Section(
        "a worker",
        [
            "command", "instances", "base_port", "directory", "environment", "environment_file", "inherit_environment",
            "autostart", "restart", "success", "no_restart", "vital", "backoff", "restart_limit", "stop", "output",
        ],
        later: [
            "user": .value, "group": .value, "environment_from": .value, "check_command": .value,
            "max_unavailable": .value, "after": .value, "sockets": .value,
            "ready": .table(["http", "tcp", "command", "notify", "log", "timeout", "interval"]),
            "health": .table(["http", "tcp", "command", "notify", "interval", "timeout", "failures", "initial_delay"]),
            "resources": .table([
                "open_files", "core", "memory", "cpu", "tasks", "nice", "oom_score_adjust", "no_new_privileges",
            ]),
            "check": .table(["warning_restarts", "within"]),
        ]
    )

    static let backoff = Section("\"backoff\"", ["initial", "factor", "max", "jitter", "reset_after"])

    static let restartLimit = Section("\"restart_limit\"", ["restarts", "within", "retry_after"])

    static let stop = Section("\"stop\"", ["signal", "grace", "command"])

    static let output = Section(
        "\"output\"",
        ["stdout", "stderr", "max_size", "keep_files", "timestamps", "group"]
    )

    /// Where a key that stands in the wrong table may belong.
    private static let all: [Section] = [
        .worker, .backoff, .restartLimit, .stop, .output, .control, .listener, .history, .agent, .root,
    ]

    /// What to do about a key that is not one of this section.
    func advice(for key: String) -> String {
        let longer = self.allKeys.filter { key.utf8.count > 2 && $0.hasPrefix(key) }
        if let only = longer.first, longer.count == 1 {
            return "did you mean \"\(only)\"?"
        }
        if let near = NearestName.of(key, among: self.allKeys) {
            return "did you mean \"\(near)\"?"
        }
        if let other = Self.all.first(where: { $0.phrase != self.phrase && $0.keys.contains(key) }) {
            return "it is a key of \(other.phrase)"
        }
        return self.keys.isEmpty || self.keys.count > 8 ? "remove it" : "its keys are \(Quoted.list(self.keys))"
    }
}
