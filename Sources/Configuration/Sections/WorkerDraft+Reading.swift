internal import Supervision

extension WorkerDraft {
    /// Reads the entries of `[defaults]` or of a worker's table.
    init(_ entries: [TOMLEntry], _ reader: ValueReader) {
        for entry in entries {
            self.read(entry, reader)
        }
    }

    private mutating func read(_ entry: TOMLEntry, _ reader: ValueReader) {
        let origin = reader.origin(entry.value.place)
        switch entry.key {
        case "command":
            self.command = Field(reader.command(entry, mayBeEmpty: false), origin)
        case "instances":
            self.instances = Field(
                reader.integer(entry, WorkerSpecification.possibleInstances, example: "instances = 2"),
                origin
            )
        case "base_port":
            self.basePort = Field(reader.integer(entry, 1...65535, example: "base_port = 8000"), origin)
        case "directory":
            self.directory = Field(reader.path(entry, example: "directory = \"/srv/app\""), origin)
        case "environment":
            self.environment = reader.environment(entry)
        case "environment_file":
            self.environmentFile = Field(reader.path(entry, example: "environment_file = \"/etc/app.env\""), origin)
        case "inherit_environment":
            self.inheritEnvironment = Field(reader.boolean(entry), origin)
        case "autostart":
            self.autostart = Field(reader.boolean(entry), origin)
        case "restart":
            self.restart = Field(reader.choice(entry, RestartPolicy.self), origin)
        case "success":
            self.success = Field(reader.exits(entry), origin)
        case "no_restart":
            self.noRestart = Field(reader.exits(entry), origin)
        case "vital":
            self.isVital = Field(reader.boolean(entry), origin)
        case "backoff":
            self.readBackoff(entry, reader)
        case "restart_limit":
            self.readRestartLimit(entry, reader)
        case "stop":
            self.readStop(entry, reader)
        case "output":
            self.readOutput(entry, reader)
        default:
            reader.refuse(entry, of: .worker)
        }
    }

    private mutating func readBackoff(_ table: TOMLEntry, _ reader: ValueReader) {
        let least = Duration.milliseconds(1)
        for entry in reader.table(table, example: "backoff = { initial = \"100ms\" }") ?? [] {
            let origin = reader.origin(entry.value.place)
            switch entry.key {
            case "initial":
                let value = reader.duration(entry, atLeast: least, example: "initial = \"100ms\"")
                self.backoff.initial = Field(value, origin)
            case "factor":
                self.backoff.factor = Field(reader.number(entry, 1...1000, example: "factor = 2.0"), origin)
            case "max":
                self.backoff.max = Field(reader.duration(entry, atLeast: least, example: "max = \"30s\""), origin)
            case "jitter":
                self.backoff.jitter = Field(reader.number(entry, 0...1, example: "jitter = 0.1"), origin)
            case "reset_after":
                let value = reader.duration(entry, atLeast: least, example: "reset_after = \"10s\"")
                self.backoff.resetAfter = Field(value, origin)
            default:
                reader.refuse(entry, of: .backoff)
            }
        }
    }

    private mutating func readRestartLimit(_ table: TOMLEntry, _ reader: ValueReader) {
        let example = "restart_limit = { restarts = 10, within = \"10m\" }"
        let least = Duration.milliseconds(1)
        guard let entries = reader.table(table, example: example) else { return }
        self.restartLimit.origin = reader.origin(table.place)
        for entry in entries {
            let origin = reader.origin(entry.value.place)
            switch entry.key {
            case "restarts":
                let value = reader.integer(entry, 1...1_000_000, example: "restarts = 10")
                self.restartLimit.restarts = Field(value, origin)
            case "within":
                let value = reader.duration(entry, atLeast: least, example: "within = \"10m\"")
                self.restartLimit.within = Field(value, origin)
            case "retry_after":
                let value = reader.duration(entry, atLeast: least, example: "retry_after = \"1h\"")
                self.restartLimit.retryAfter = Field(value, origin)
            default:
                reader.refuse(entry, of: .restartLimit)
            }
        }
    }

    private mutating func readStop(_ table: TOMLEntry, _ reader: ValueReader) {
        for entry in reader.table(table, example: "stop = { signal = \"TERM\", grace = \"10s\" }") ?? [] {
            let origin = reader.origin(entry.value.place)
            switch entry.key {
            case "signal":
                self.stop.signal = Field(reader.signal(entry), origin)
            case "grace":
                self.stop.grace = Field(reader.duration(entry, atLeast: .zero, example: "grace = \"10s\""), origin)
            case "command":
                self.stop.command = Field(reader.command(entry, mayBeEmpty: true), origin)
            default:
                reader.refuse(entry, of: .stop)
            }
        }
    }

    private mutating func readOutput(_ table: TOMLEntry, _ reader: ValueReader) {
        for entry in reader.table(table, example: "output = { stdout = \"null\" }") ?? [] {
            let origin = reader.origin(entry.value.place)
            switch entry.key {
            case "stdout":
                self.output.standardOutput = Field(reader.choice(entry, OutputPolicy.Destination.self), origin)
            case "stderr":
                self.output.standardError = Field(reader.choice(entry, OutputPolicy.ErrorDestination.self), origin)
            case "max_size":
                let value = reader.size(entry, 4096...1 << 40, example: "max_size = \"16M\"")
                self.output.maximumSize = Field(value, origin)
            case "keep_files":
                self.output.keepFiles = Field(reader.integer(entry, 0...1000, example: "keep_files = 5"), origin)
            case "timestamps":
                self.output.timestamps = Field(reader.boolean(entry), origin)
            case "group":
                self.output.group = Field(reader.group(entry, example: "group = \"adm\""), origin)
            default:
                reader.refuse(entry, of: .output)
            }
        }
    }
}
