/// The limits of a server, all of them. Going over one is an answer or the end of a connection, never a crash.
public struct HTTPLimits: Equatable, Sendable {
    /// From the accept to the end of the first header, however its bytes drip; also from a later request line to the end
    /// of its header.
    public var headerTime: Duration = .seconds(5)
    /// From the end of the header to the end of the body.
    public var bodyTime: Duration = .seconds(5)
    /// How long a kept connection may be without a request. A header that begins in this time must end in it.
    public var idleTime: Duration = .seconds(60)
    /// How long a client may take to read its response.
    public var responseTime: Duration = .seconds(30)
    /// How long a client may take nothing of a stream while there is something for it.
    public var streamStallTime: Duration = .seconds(10)
    /// How long the last words to a client that took nothing wait for it. Its place is given away sooner if it is needed.
    public var streamFarewellTime: Duration = .seconds(60)
    /// After so long without a byte, or a little earlier, a stream gets its heartbeat, so that a client that has vanished
    /// is noticed; and how long a TCP client of a stream may acknowledge nothing, times two.
    public var heartbeatTime: Duration = .seconds(15)

    /// Bytes of a body: 413 beyond.
    public var bodySize = 64 * 1024
    /// Bytes of a target: 414 beyond.
    public var targetSize = 4096
    /// Fields of a header: 431 beyond.
    public var headerFields = 64
    /// Bytes of memory of a connection, for header and response header: 431 or 414 beyond.
    public var connectionMemory = 16 * 1024

    /// Connections of one listener that has no limit of its own, so that a flood of one cannot starve another. At the limit
    /// the one that has been without a request for the longest is closed; if all have one, the new one is refused. Half of
    /// them may be streams, which last: 503 beyond.
    public var connectionsPerListener = 256
    /// Connections accepted in one turn of the loop from one listener.
    public var acceptsPerTurn = 64
    /// How long a listener rests when not even the reserve descriptor helps to refuse.
    public var descriptorRetry: Duration = .milliseconds(100)

    /// Lines of libmicrohttpd's log that are passed on in a second; the rest are counted.
    public var logLinesPerSecond = 10

    public init() {}
}
