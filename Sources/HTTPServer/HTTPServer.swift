internal import CMicroHTTPD
internal import Glibc
public import LinuxSystem

/// Serves HTTP/1.1 on any number of listeners, all on one event loop, to which it belongs.
///
/// libmicrohttpd parses and sends, driven by the loop: it has no thread and no listening socket of its own. The server
/// accepts, so that it knows who connected and decides whom to drop; it gates each header (see `RequestGate`); it closes
/// what misses an absolute deadline, where libmicrohttpd knows idleness only. While nobody is connected it does nothing
/// at all.
///
/// Not covered, because the parser answers by itself: its own 400, 413, 414, 431 and 505 are HTML; 0.9.x sends the header
/// of its answer to an unreadable Content-Length twice. All of them end the connection.
public final class HTTPServer {
    public let loop: EventLoop
    public let limits: HTTPLimits
    let handler: any HTTPHandler
    let gate: RequestGate
    /// A line of libmicrohttpd's log, at most `limits.logLinesPerSecond`.
    public var log: ((String) -> Void)?

    private(set) var listeners: [Listener] = []
    var daemon: OpaquePointer?
    let callbacks: UnsafeMutablePointer<cmhd_callbacks>
    private var daemonWatch: EventLoop.Registration?
    /// The connections that were given to libmicrohttpd and have not begun, by descriptor.
    var arriving: [Int32: ServerConnection] = [:]
    /// The header that is being looked at.
    let fields: UnsafeMutablePointer<cmhd_field>
    let fieldCapacity: Int
    var refusals: [HTTPRefusal: HTTPResponse] = [:]
    var logLimiter: LogLimiter
    /// Closed to have one descriptor for accepting and refusing, when the process has no more.
    var reserve: Int32

    /// Those of the connections whose client has ended its side, and some that are closed since.
    var ended: [ServerConnection] = []

    /// Whether libmicrohttpd has something to do.
    var needsRun = false
    /// Counts the callbacks of libmicrohttpd: whether it gets anywhere.
    var progress = 0
    private var isRunning = false
    private var isStopping = false
    private var stopsAfterRun = false
    private var stalledTurns = 0
    let durations: ServerDurations
    let origin: SuspendingClock.Instant
    /// The time of the present turn.
    var now = ServerTime(nanoseconds: 0)
    var sweep: EventLoop.Deadline?
    var sweepTime = ServerTime.never
    var isSweepDue = false
    /// Turns since it was due.
    var sweepDelays = 0
    let hooks: LoopHooks

    /// Rounds of libmicrohttpd in one turn of the loop, so that the loop's other work is not held up.
    private static let roundsPerTurn = 4
    /// Turns in which libmicrohttpd may want to go on without getting anywhere, and the pause after them. 0.9.x spins on
    /// a connection whose read buffer is full of the beginning of a chunk's line, until that meets its deadline.
    private static let stalledTurnsAtMost = 16
    private static let stalledPause = Duration.milliseconds(20)
    /// Connections that libmicrohttpd takes in all; the listeners' limits are what matters.
    private static let connectionsAtMost: UInt32 = 65_536

    public init(loop: EventLoop, limits: HTTPLimits = HTTPLimits(), handler: any HTTPHandler) {
        self.loop = loop
        self.limits = limits
        self.handler = handler
        self.gate = RequestGate(limits: limits)
        self.logLimiter = LogLimiter(linesPerSecond: limits.logLinesPerSecond)
        self.durations = ServerDurations(limits)
        self.origin = loop.now
        self.hooks = LoopHooks(loop)
        self.fieldCapacity = limits.headerFields + 1
        self.fields = .allocate(capacity: self.fieldCapacity)
        self.callbacks = .allocate(capacity: 1)
        self.reserve = Self.makeReserve()
        self.callbacks.initialize(to: Self.makeCallbacks(owner: Unmanaged.passUnretained(self).toOpaque()))
    }

    deinit {
        self.callbacks.deallocate()
        self.fields.deallocate()
        if self.reserve >= 0 {
            close(self.reserve)
        }
    }

    // MARK: Listeners

    /// Serves the connections of a socket from now on; returns the listener's index.
    ///
    /// - Parameter connections: at most, `nil` for `limits.connectionsPerListener`.
    @discardableResult
    public func addListener(_ socket: consuming ListeningSocket, connections: Int? = nil) throws(Errno) -> Int {
        try self.start()
        let listener = Listener(
            server: self,
            index: self.listeners.count,
            capacity: connections ?? self.limits.connectionsPerListener,
            socket: socket
        )
        listener.registration = try self.loop.register(listener.socket.descriptor, for: .readable) {
            [unowned self, unowned listener] _ in
            self.accept(listener)
        }
        self.listeners.append(listener)
        return listener.index
    }

    /// Where a listener listens, with the port that the kernel chose.
    public func localAddress(ofListener index: Int) -> ListeningSocket.Address {
        self.listeners[index].socket.address
    }

    /// In the order of the listeners.
    public var counts: [ListenerCounts] {
        self.listeners.map(\.counts)
    }

    // MARK: Life

    private func start() throws(Errno) {
        guard self.daemon == nil else { return }
        guard let daemon = cmhd_start(self.callbacks, Self.connectionsAtMost, self.limits.connectionMemory) else {
            throw Errno.current
        }
        self.daemon = daemon
        do {
            self.daemonWatch = try self.loop.register(cmhd_epoll_descriptor(daemon), for: .readable) {
                [unowned self] _ in
                self.needsRun = true
                self.stalledTurns = 0
            }
        } catch {
            MHD_stop_daemon(daemon)
            self.daemon = nil
            throw error
        }
        self.hooks.server = self
    }

    /// Closes all listeners and connections. What was answered before is still sent as far as the sockets take it, and
    /// streams are finished as far as they do; a request that waits for its answer loses its client. Inside of a handler's
    /// call it takes effect after it.
    public func stop() {
        guard !self.isRunning else {
            self.stopsAfterRun = true
            return
        }
        guard let daemon = self.daemon, !self.isStopping else { return }
        self.isStopping = true
        defer { self.isStopping = false }
        self.finishStreams()
        self.runRounds(daemon)
        for listener in self.listeners {
            if let registration = listener.registration {
                self.loop.deregister(registration)
            }
            // MHD_stop_daemon aborts the process when it meets a suspended connection.
            for connection in listener.connections {
                switch connection.phase {
                case .suspended: self.lose(connection)
                case .resting: self.end(connection)
                default: break
                }
            }
        }
        if let watch = self.daemonWatch {
            self.loop.deregister(watch)
        }
        self.isRunning = true
        MHD_stop_daemon(daemon)
        self.isRunning = false
        self.daemon = nil
        self.listeners = []
        self.ended = []
        self.arriving = [:]
        // Whatever asked for it meanwhile has been served.
        self.stopsAfterRun = false
        self.needsRun = false
        self.disarm()
        self.hooks.server = nil
    }

    /// The end of a turn: everything that was ready or due has been looked at.
    func run() {
        guard self.needsRun, let daemon = self.daemon, !self.isRunning else { return }
        self.readClock()
        let progress = self.progress
        self.needsRun = self.runRounds(daemon)
        self.stalledTurns = self.needsRun && self.progress == progress ? self.stalledTurns + 1 : 0
        if !self.needsRun {
            self.nudgeEnded()
        }
        if self.isSweepDue {
            // What is being read is read first, unless it is endless.
            self.sweepDelays += 1
            if !self.needsRun || self.sweepDelays > Self.stalledTurnsAtMost {
                self.sweepConnections()
            }
        }
        if self.stopsAfterRun {
            self.stopsAfterRun = false
            self.stop()
        }
    }

    /// Returns whether there is more to do.
    @discardableResult
    private func runRounds(_ daemon: OpaquePointer) -> Bool {
        self.isRunning = true
        defer { self.isRunning = false }
        for _ in 0..<Self.roundsPerTurn {
            self.needsRun = false
            cmhd_run(daemon)
            guard self.needsRun || cmhd_is_pending(daemon) != 0 else { return false }
        }
        return true
    }

    var longestWait: Duration? {
        guard self.needsRun else { return nil }
        return self.stalledTurns > Self.stalledTurnsAtMost ? Self.stalledPause : .zero
    }
}
