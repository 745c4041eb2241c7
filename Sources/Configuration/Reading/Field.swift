/// Where something was written.
struct Origin: Hashable, Sendable {
    /// As problems show it.
    var file: String
    var place: TOMLPlace
}

/// What a file says of one key. A value that is wrong is not the same as none: it is reported where it stands, and must
/// not lead to further problems as if the default were in its place.
enum Field<Value: Sendable>: Sendable {
    case absent
    case invalid
    case given(Value, Origin)

    init(_ value: Value?, _ origin: Origin) {
        self = value.map { .given($0, origin) } ?? .invalid
    }

    /// This one, or `other` where nothing was said.
    func or(_ other: Self) -> Self {
        if case .absent = self { other } else { self }
    }

    /// The value; `nil` when it is absent or wrong.
    var value: Value? {
        if case .given(let value, _) = self { value } else { nil }
    }

    var origin: Origin? {
        if case .given(_, let origin) = self { origin } else { nil }
    }

    var isAbsent: Bool {
        if case .absent = self { true } else { false }
    }

    var isInvalid: Bool {
        if case .invalid = self { true } else { false }
    }
}
