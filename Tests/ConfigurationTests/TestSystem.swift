import Configuration
import Supervision
import Testing

/// A machine in memory: files by their absolute paths, and a few accounts.
struct TestSystem {
    var files: [String: String] = [:]
    var failures: [String: String] = [:]
    var matches: [String: [String]] = [:]
    var users: Set<String> = ["root", "deploy", "nagios"]
    var groups: Set<String> = ["ops", "adm"]
    var environment = ["HOME": "/home/me", "XDG_RUNTIME_DIR": "/run/user/1000"]

    var access: SystemAccess {
        let system = self
        return SystemAccess(
            read: { path in
                if let reason = system.failures[path] {
                    return .failure(.init(reason: reason))
                }
                guard let text = system.files[path] else { return .failure(.init(reason: "No such file or directory")) }
                return .success(Array(text.utf8))
            },
            glob: { pattern in
                if let reason = system.failures[pattern] {
                    return .failure(.init(reason: reason))
                }
                return .success(system.matches[pattern] ?? (system.files[pattern] == nil ? [] : [pattern]))
            },
            exists: { system.files[$0] != nil },
            userExists: { system.users.contains($0) },
            groupExists: { system.groups.contains($0) },
            currentDirectory: { "/here" }
        )
    }

    func load(_ path: String, isRoot: Bool = false) throws(ConfigurationError) -> Settings {
        try ConfigurationLoader.load(
            path: path,
            environment: self.environment,
            isRoot: isRoot,
            system: self.access
        )
    }

    func loadText(_ text: String, isRoot: Bool = false) throws(ConfigurationError) -> Settings {
        try ConfigurationLoader.loadText(
            text,
            environment: self.environment,
            isRoot: isRoot,
            system: self.access
        )
    }

    /// The problems of a text; none when it is right.
    func problems(_ text: String, isRoot: Bool = false) -> [ConfigurationProblem] {
        do throws(ConfigurationError) {
            _ = try self.loadText(text, isRoot: isRoot)
            return []
        } catch {
            return error.problems
        }
    }

    /// The worker of a text that begins with `[workers.web]` and a command, followed by `keys`.
    func worker(_ keys: String) throws -> WorkerSpecification {
        let settings = try self.loadText("[workers.web]\ncommand = [\"/bin/true\"]\n" + keys)
        return try #require(settings.workers.first)
    }

    /// The problems of such a text, each as `LINE:COLUMN: message; advice`, the lines counted from those of `keys`.
    func problems(inWorker keys: String) -> [String] {
        self.problems("[workers.web]\ncommand = [\"/bin/true\"]\n" + keys).map { problem in
            "\((problem.line ?? 0) - 2):\(problem.column ?? 0): \(problem.message); \(problem.advice)"
        }
    }
}
