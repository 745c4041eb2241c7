import Glibc

/// A condition that did not come true in its time.
public struct TimedOut: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// How long a test waits for something that takes milliseconds on an idle machine. Only a failing test waits that long.
public let patience: Duration = .seconds(60)

/// Waits until `condition` holds, looking every few milliseconds; throws `TimedOut` when the limit has passed.
///
/// Blocks the calling thread: what is waited for happens in other processes.
public func eventually(
    _ what: String,
    within limit: Duration = patience,
    _ condition: () throws -> Bool
) throws {
    _ = try eventuallySome(what, within: limit) { try condition() ? true : nil }
}

/// As `eventually`, and returns the first value that is not `nil`.
public func eventuallySome<Value>(
    _ what: String,
    within limit: Duration = patience,
    _ find: () throws -> Value?
) throws -> Value {
    let end = SuspendingClock.now.advanced(by: limit)
    while true {
        if let value = try find() { return value }
        guard SuspendingClock.now < end else { throw TimedOut("not within \(limit): \(what)") }
        pause(milliseconds: 5)
    }
}

private func pause(milliseconds: Int32) {
    _ = poll(nil, 0, milliseconds)
}
