internal import ControlMessages
internal import Supervision

/// Reads `[[control.listeners]]`.
enum ListenerReader {
    private static let example = "address = \"127.0.0.1:9190\""

    private enum Anonymous: String, CaseIterable {
        case none
        case monitor
        case read

        var role: Role? {
            switch self {
            case .none: nil
            case .monitor: .monitor
            case .read: .read
            }
        }
    }

    private struct Address {
        var host: NumericAddress
        var port: UInt16
        var value: TOMLValue
    }

    static func read(_ entry: TOMLEntry, _ reader: ValueReader) -> [ListenerSettings] {
        var listeners: [ListenerSettings] = []
        var addresses: [Address] = []
        guard let elements = reader.array(entry, of: "tables", example: "[[control.listeners]]") else { return [] }
        if elements.count > ControlSection.maximumListeners {
            let message =
                "there are \(elements.count) listeners, and at most \(ControlSection.maximumListeners) are taken"
            reader.problems.add(reader.origin(entry.place), message, "remove some")
        }
        for element in elements.prefix(ControlSection.maximumListeners) {
            guard case .table(let entries) = element.content else {
                reader.wrongKind(element, "a listener", "a table", "[[control.listeners]]")
                continue
            }
            guard let (listener, address) = Self.listener(element, entries, reader) else { continue }
            if let other = addresses.first(where: { Self.collide($0, address) }) {
                let place = other.value.place
                reader.report(
                    address.value,
                    "this address is taken by the listener of line \(place.line), column \(place.column)",
                    "remove one of them, or choose another port"
                )
            }
            addresses.append(address)
            listeners.append(listener)
        }
        return listeners
    }

    /// Whether both cannot be bound: the same port on the same address, or on all of its family.
    private static func collide(_ a: Address, _ b: Address) -> Bool {
        guard a.port == b.port, a.port != 0, a.host.isIPv6 == b.host.isIPv6 else { return false }
        return a.host == b.host || a.host.isAny || b.host.isAny
    }

    private static func listener(
        _ element: TOMLValue,
        _ entries: [TOMLEntry],
        _ reader: ValueReader
    ) -> (ListenerSettings, Address)? {
        var address: Field<Address> = .absent
        var anonymous: Field<Anonymous> = .absent
        var maximum: Field<Role> = .absent
        var hasTLS = false
        for entry in entries {
            let origin = reader.origin(entry.value.place)
            switch entry.key {
            case "address": address = Field(Self.address(entry, reader), origin)
            case "anonymous": anonymous = Field(reader.choice(entry, Anonymous.self), origin)
            case "max_role": maximum = Field(reader.choice(entry, Role.self), origin)
            default:
                hasTLS = hasTLS || entry.key == "tls"
                reader.refuse(entry, of: .listener)
            }
        }
        if address.isAbsent {
            reader.report(element, "a listener has no \"address\"", "add \(Self.example)")
        }
        if let maximum = maximum.value, let role = anonymous.value?.role, let origin = anonymous.origin, role > maximum
        {
            let message = "\"anonymous\" (\(role.rawValue)) is more than \"max_role\" (\(maximum.rawValue)) allows"
            reader.problems.add(origin, message, "lower \"anonymous\" or raise \"max_role\"")
        }
        guard let address = address.value else { return nil }
        // Beyond loopback everybody on the way reads and changes what is sent.
        if !address.host.isLoopback, !maximum.isInvalid, maximum.value != .monitor, !hasTLS {
            reader.report(
                address.value,
                "a listener beyond loopback needs TLS, which is not supported yet, or max_role = \"monitor\"",
                "add max_role = \"monitor\", or listen on 127.0.0.1"
            )
        }
        let settings = ListenerSettings(
            host: address.host.text,
            port: address.port,
            anonymous: anonymous.value?.role,
            maximumRole: maximum.value
        )
        return (settings, address)
    }

    private static func address(_ entry: TOMLEntry, _ reader: ValueReader) -> Address? {
        guard let text = reader.string(entry, example: Self.example) else { return nil }
        guard let colon = text.lastIndex(of: ":") else {
            let advice = "write address and port, as in \(Self.example)"
            reader.report(entry.value, "\"address\" has no port in \(Quoted.text(text))", advice)
            return nil
        }
        var host = String(text[..<colon])
        let digits = text[colon...].dropFirst()
        guard let port = UInt16(digits), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            let message = "\"address\" has no port from 0 to 65535 in \(Quoted.text(text))"
            reader.report(entry.value, message, "write it as in \(Self.example); 0 takes any free one")
            return nil
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed {
            host = String(host.dropFirst().dropLast())
        } else if host == "localhost" {
            host = "127.0.0.1"
        }
        guard let address = NumericAddress(host), address.isIPv6 == isBracketed else {
            reader.report(
                entry.value,
                "\"address\" does not begin with a numeric address in \(Quoted.text(text))",
                "write it as in \(Self.example), \"[::1]:9190\" or, for all addresses, \"0.0.0.0:9190\""
            )
            return nil
        }
        return Address(host: address, port: port, value: entry.value)
    }
}
