internal import ControlMessages
internal import Supervision

/// What `[control]` says.
struct ControlSection {
    var socket: Field<String> = .absent
    var socketMode: Field<UInt32> = .absent
    var socketGroup: Field<String> = .absent
    var peers: [PeerRule] = []
    var hosts: [String] = []
    var listeners: [ListenerSettings] = []

    /// Each costs a descriptor and a place in the loop.
    static let maximumListeners = 64

    init() {}

    init(_ entries: [TOMLEntry], _ reader: ValueReader, _ system: SystemAccess) {
        for entry in entries {
            let origin = reader.origin(entry.value.place)
            switch entry.key {
            case "socket": self.socket = Field(Self.socket(entry, reader), origin)
            case "socket_mode": self.socketMode = Field(Self.mode(entry, reader), origin)
            case "socket_group":
                self.socketGroup = Field(reader.group(entry, example: "socket_group = \"ops\""), origin)
            case "peers": self.peers = Self.peers(entry, reader, system)
            case "hosts": self.hosts = Self.hosts(entry, reader)
            case "listeners": self.listeners = ListenerReader.read(entry, reader)
            default: reader.refuse(entry, of: .control)
            }
        }
    }

    /// The settings, with the defaults; `file` is the one to name for a default that does not do.
    func settings(
        _ defaults: DefaultPaths,
        stateDirectory: String,
        file: String,
        _ problems: ProblemList
    ) -> ControlSettings {
        var socket = self.socket.value ?? ""
        if self.socket.isAbsent {
            socket = defaults.socket(stateDirectory: stateDirectory) ?? ""
            if socket.utf8.count > ControlSettings.maximumSocketPathLength {
                problems.add(
                    file: file,
                    "the default for \"socket\", \(Quoted.text(socket)), is longer than "
                        + "\(ControlSettings.maximumSocketPathLength) bytes",
                    "add a shorter one to [control]"
                )
            }
        }
        return ControlSettings(
            socket: socket,
            socketMode: self.socketMode.value ?? 0o600,
            socketGroup: self.socketGroup.value,
            peers: self.peers,
            hosts: self.hosts,
            listeners: self.listeners
        )
    }

    private static func socket(_ entry: TOMLEntry, _ reader: ValueReader) -> String? {
        let example = "socket = \"/run/reeve/control.sock\""
        if case .string(let text) = entry.value.content, text.hasPrefix("@") {
            // An abstract socket has no mode and no directory that would keep others out.
            reader.report(entry.value, "\"socket\" must be a path, not an abstract name", "write it as in \(example)")
            return nil
        }
        guard let path = reader.path(entry, example: example) else { return nil }
        guard path.utf8.count <= ControlSettings.maximumSocketPathLength else {
            reader.report(
                entry.value,
                "\"socket\" has \(path.utf8.count) bytes and may have \(ControlSettings.maximumSocketPathLength)",
                "choose a shorter path"
            )
            return nil
        }
        return path
    }

    private static func mode(_ entry: TOMLEntry, _ reader: ValueReader) -> UInt32? {
        let example = "socket_mode = \"0600\""
        guard let text = reader.string(entry, example: example) else { return nil }
        let isOctal = (3...4).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x37).contains($0) }
        guard isOctal, let mode = UInt32(text, radix: 8), mode <= 0o777 else {
            let message = "\"socket_mode\" must be octal, from \"0000\" to \"0777\", not \(Quoted.text(text))"
            reader.report(entry.value, message, "write it as in \(example)")
            return nil
        }
        return mode
    }

    private static func peers(_ table: TOMLEntry, _ reader: ValueReader, _ system: SystemAccess) -> [PeerRule] {
        let example = "peers = { operate = [\"deploy\", \"@ops\"] }"
        var rules: [PeerRule] = []
        var roles: [PeerRule.Principal: Role] = [:]
        for entry in reader.table(table, example: example) ?? [] {
            guard let role = Role(rawValue: entry.key) else {
                let names = Role.allCases.map(\.rawValue)
                let near = NearestName.of(entry.key, among: names).map { "did you mean \"\($0)\"?" }
                let message = "\(Quoted.text(entry.key)) is not a role"
                reader.problems.add(reader.origin(entry.place), message, near ?? "the roles are \(Quoted.list(names))")
                continue
            }
            for element in reader.array(entry, of: "users and groups", example: example) ?? [] {
                guard let principal = Self.principal(element, reader, system) else { continue }
                if let other = roles[principal] {
                    let message = "this peer has the role \"\(other.rawValue)\" already"
                    reader.report(element, message, "name it once, with the greater role")
                    continue
                }
                roles[principal] = role
                rules.append(PeerRule(role: role, principal: principal))
            }
        }
        return rules
    }

    private static func principal(
        _ value: TOMLValue,
        _ reader: ValueReader,
        _ system: SystemAccess
    ) -> PeerRule.Principal? {
        let text: String
        if case .integer(let number) = value.content {
            text = String(number)
        } else {
            let example = "[\"deploy\", \"1000\", \"@ops\"]"
            guard let name = reader.string(value, "a peer", example: example) else { return nil }
            text = name
        }
        if text.hasPrefix("@") {
            let name = String(text.dropFirst())
            guard system.groupExists(name) else {
                reader.report(value, "there is no group \(Quoted.text(name))", "create it, or name another one")
                return nil
            }
            return .group(name)
        }
        if Int64(text) != nil, !text.hasPrefix("+") {
            // The greatest number stands for "no user" in chown(2) and setresuid(2).
            guard let uid = UInt32(text), uid != .max else {
                reader.report(value, "\(Quoted.text(text)) is not the number of a user", "write 0 to 4294967294")
                return nil
            }
            return .uid(uid)
        }
        guard system.userExists(text) else {
            let advice = "create it, or name another one; a group is written \"@\(Quoted.printable(text))\""
            reader.report(value, "there is no user \(Quoted.text(text))", advice)
            return nil
        }
        return .user(text)
    }

    private static func hosts(_ entry: TOMLEntry, _ reader: ValueReader) -> [String] {
        let example = "hosts = [\"web1.example.org\"]"
        return (reader.array(entry, of: "strings", example: example) ?? []).compactMap { element in
            guard let text = reader.string(element, "an element of \"hosts\"", example: example) else { return nil }
            guard let host = HostName(text) else {
                let message = "\(Quoted.text(text)) is not the name or the address of a host"
                reader.report(element, message, "write it without scheme, port and path, as in \(example)")
                return nil
            }
            return host.text
        }
    }
}
