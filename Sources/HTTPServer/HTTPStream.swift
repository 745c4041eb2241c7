/// The body of an answer that is produced over time. Belongs to the server's loop, as whoever writes to it.
///
/// Bytes are pushed by `write`, or pulled: `onReady` says that the client has taken all there was, at the beginning of the
/// body as well. A producer that has more than it should put into memory writes some of it on each `onReady`; one to which
/// things happen may write at any time.
///
/// A client that takes nothing for `HTTPLimits.streamStallTime` although something waits is cut: what waits is dropped, and
/// the stream ends with the words that `onStall` gives. Nobody else waits for it.
public final class HTTPStream {
    /// Bytes that may wait for the client, beyond those in its socket.
    public let limit: Int

    /// Sent after `HTTPLimits.heartbeatTime` without a byte. Where there is none, a client that has closed only its side of
    /// the connection is taken for gone at that time, as there is no other way to find out.
    public var heartbeat: [UInt8]?

    /// The client has taken all that was written. Called on the server's loop, not from inside of `write`.
    public var onReady: (() -> Void)?

    /// The client does not read; returns the last words that it finds when it reads after all, `nil` for none.
    public var onStall: (() -> [UInt8]?)?

    /// Called once, when nothing can be told any more: the end was sent, or the client has gone, was cut, or the server
    /// stopped. May be called from inside of `HTTPExchange.respond`.
    public var onClose: (() -> Void)?

    /// No more is written.
    public private(set) var isFinished = false
    public private(set) var isClosed = false
    /// The client did not read, and what waited for it was dropped.
    public private(set) var isCut = false
    private var queue = ByteQueue()
    /// Where it is sent; `nil` before and after.
    var connection: ServerConnection?

    public init(limit: Int = 256 * 1024) {
        self.limit = limit
    }

    /// How many bytes wait for the client, beyond those that libmicrohttpd and the socket hold.
    public var waiting: Int {
        self.queue.count
    }

    /// Sends `bytes` after all that was written before. The array is shared, not copied, until the client takes it.
    ///
    /// - Returns: whether they were taken: not when they would exceed the limit while others wait, and not after the end.
    public func write(_ bytes: [UInt8]) -> Bool {
        guard !self.isFinished, !self.isClosed else { return false }
        guard self.queue.isEmpty || self.queue.count + bytes.count <= self.limit else { return false }
        self.queue.append(bytes)
        self.wake()
        return true
    }

    /// Ends the body after what was written.
    public func finish() {
        guard !self.isFinished, !self.isClosed else { return }
        self.isFinished = true
        self.wake()
    }

    /// Drops what waits, but for the rest of a `write` of which the client has a part (within `limit`), and ends the body
    /// with `last`. Its client has a while to read that; its place is given away sooner if it is needed.
    public func cut(with last: [UInt8]? = nil) {
        guard !self.isFinished, !self.isClosed else { return }
        self.queue.removeWaiting(keeping: self.limit)
        if let last {
            self.queue.append(last)
        }
        self.isCut = true
        self.isFinished = true
        self.wake()
        self.connection?.listener.server.wasCut(self)
    }

    /// Moves what waits into `buffer`, and asks for more where nothing does.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if self.queue.isEmpty, !self.isFinished, !self.isClosed {
            self.onReady?()
        }
        return self.queue.read(into: buffer)
    }

    /// Nobody reads any more.
    func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        self.queue.removeAll()
        self.connection = nil
        let onClose = self.onClose
        // They may hold what holds the stream.
        self.onClose = nil
        self.onReady = nil
        self.onStall = nil
        onClose?()
    }

    private func wake() {
        guard let connection = self.connection else { return }
        connection.listener.server.wake(connection)
    }
}
