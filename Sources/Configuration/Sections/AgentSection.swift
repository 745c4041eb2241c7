/// What `[agent]` says.
struct AgentSection {
    var stateDirectory: Field<String> = .absent
    var logDirectory: Field<String> = .absent
    var onKeeperDeath: Field<KeeperDeathPolicy> = .absent
    var include: [Pattern] = []

    /// A pattern of glob(7) for more files.
    struct Pattern {
        var text: String
        var origin: Origin
    }

    init() {}

    init(_ entries: [TOMLEntry], _ reader: ValueReader) {
        for entry in entries {
            let origin = reader.origin(entry.value.place)
            switch entry.key {
            case "state_dir":
                self.stateDirectory = Field(reader.path(entry, example: "state_dir = \"/var/lib/reeve\""), origin)
            case "log_dir":
                self.logDirectory = Field(reader.path(entry, example: "log_dir = \"/var/log/reeve\""), origin)
            case "on_keeper_death":
                self.onKeeperDeath = Field(reader.choice(entry, KeeperDeathPolicy.self), origin)
            case "include":
                let example = "include = [\"/etc/reeve/conf.d/*.toml\"]"
                for element in reader.array(entry, of: "strings", example: example) ?? [] {
                    guard let text = reader.string(element, "an element of \"include\"", example: example) else {
                        continue
                    }
                    if text.isEmpty {
                        reader.report(
                            element,
                            "an element of \"include\" must not be empty",
                            "write it as in \(example)"
                        )
                    } else if text.hasPrefix("~") {
                        let message = "an element of \"include\" cannot begin with \"~\", which only a shell expands"
                        reader.report(element, message, "write the whole path")
                    } else {
                        self.include.append(Pattern(text: text, origin: reader.origin(element.place)))
                    }
                }
            default:
                reader.refuse(entry, of: .agent)
            }
        }
    }

    /// The settings, with the defaults; `file` is the one to name for a default that there is none of.
    func settings(_ defaults: DefaultPaths, file: String, _ problems: ProblemList) -> AgentSettings {
        let state = self.stateDirectory.value ?? defaults.stateDirectory
        if state == nil, self.stateDirectory.isAbsent {
            problems.add(
                file: file,
                "there is no default for \"state_dir\", because neither XDG_STATE_HOME nor HOME is set",
                "add state_dir to [agent]"
            )
        }
        let logs = self.logDirectory.value ?? state.map { defaults.logDirectory(stateDirectory: $0) }
        return AgentSettings(
            stateDirectory: state ?? "",
            logDirectory: logs ?? "",
            onKeeperDeath: self.onKeeperDeath.value ?? .keep
        )
    }
}
