internal import Supervision

// How the values of the history stand in columns.

extension Statement {
    func bind(_ value: Timestamp?) {
        self.bind(value.map { TimestampText.format($0) })
    }

    /// In seconds.
    func bind(_ value: Duration?) {
        self.bind(value?.seconds)
    }

    func bind(_ value: UUIDv7?) {
        self.bind(value?.description)
    }

    func timestamp() -> Timestamp? {
        self.text().flatMap { TimestampText.parse($0) }
    }

    func duration() -> Duration? {
        // A damaged file may hold any number; a century is longer than all that is measured here.
        guard let seconds = self.double(), abs(seconds) < 3.2e9 else { return nil }
        return .nanoseconds(Int64((seconds * 1e9).rounded()))
    }

    /// A number of things that were counted, as far as a damaged file allows: 0 to 2^31 - 1.
    func count() -> Int? {
        self.int().map { min(max(0, $0), Int(Int32.max)) }
    }

    func uuid() -> UUIDv7? {
        self.text().flatMap { UUIDv7($0) }
    }

    func value<Value: RawRepresentable<String>>(_: Value.Type) -> Value? {
        self.text().flatMap { Value(rawValue: $0) }
    }
}
