/// Where things are when the configuration does not say so.
struct DefaultPaths {
    private let isRoot: Bool
    private let home: String?
    private let stateHome: String?
    /// `$XDG_RUNTIME_DIR`.
    let runtimeDirectory: String?

    /// Variables of the XDG Base Directory Specification that are no absolute paths count as unset, as it wants it.
    init(environment: [String: String], isRoot: Bool) {
        func absolute(_ name: String) -> String? {
            guard let value = environment[name], value.hasPrefix("/") else { return nil }
            return value
        }
        self.isRoot = isRoot
        self.home = absolute("HOME")
        self.stateHome = absolute("XDG_STATE_HOME")
        self.runtimeDirectory = absolute("XDG_RUNTIME_DIR")
    }

    /// `nil` for a user without `XDG_STATE_HOME` and `HOME`.
    var stateDirectory: String? {
        if self.isRoot {
            return "/var/lib/reeve"
        }
        if let stateHome = self.stateHome {
            return Path.join(stateHome, "reeve")
        }
        return self.home.map { Path.join($0, ".local/state/reeve") }
    }

    func logDirectory(stateDirectory: String) -> String {
        self.isRoot ? "/var/log/reeve" : Path.join(stateDirectory, "logs")
    }

    /// A user without `XDG_RUNTIME_DIR` has the socket in the state directory; `nil` when there is none of both.
    func socket(stateDirectory: String?) -> String? {
        if self.isRoot {
            return ConfigurationLocator.systemSocket
        }
        if let runtimeDirectory = self.runtimeDirectory {
            return Path.join(runtimeDirectory, "reeve/control.sock")
        }
        return stateDirectory.map { Path.join($0, "control.sock") }
    }
}
