public import Output

/// What the control server asks of the workers' output. Each question is answered on the output's own loop, so that a slow
/// disk keeps only those waiting who want to read from it.
public protocol OutputQueries: Sendable {
    /// Bytes that came from the workers since the agent began, by stream. From any thread, without waiting.
    var receivedBytes: [StreamID: UInt64] { get }

    /// Where a reader begins.
    func cursor(for selection: OutputSelection) async -> OutputCursor

    /// What follows at a cursor, about `limit` bytes at most.
    func page(at cursor: OutputCursor, limit: Int) async -> OutputPage

    /// Calls `notify` once, from any thread, as soon as there is something that the page which gave this cursor did not
    /// know of.
    func watch(_ cursor: OutputCursor, notify: @escaping @Sendable () -> Void) async -> OutputWatch

    func cancel(_ watch: OutputWatch) async
}

extension OutputRoom: OutputQueries {}
