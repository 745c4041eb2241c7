internal import LinuxSystem

/// A client's connection and the request that is under way on it.
final class ServerConnection {
    /// How far the present request is. A request goes through them in this order; a refused or early answered one goes to
    /// `responding` at once.
    enum Phase {
        /// Accepted, no header yet.
        case new
        /// Between two requests.
        case idle
        /// The request line is there, the header not yet.
        case header
        /// The header passed the gate; the body comes in.
        case body
        /// The handler has the request and has not returned.
        case handling
        /// The handler has returned and owes an answer; libmicrohttpd does not look at the connection.
        case suspended
        /// The answer is there, or the client is gone; libmicrohttpd will ask again.
        case resuming
        /// The answer is queued.
        case responding
        /// The answer is queued and its body is a stream, of which the client takes something or is to.
        case streaming
        /// The client has taken all that its stream has; libmicrohttpd does not look at the connection.
        case resting
    }

    let listener: Listener
    let descriptor: Int32
    let place: HTTPConnection
    /// libmicrohttpd's connection.
    var native: OpaquePointer?
    /// Where it stands in the listener's list.
    var index = 0

    private(set) var phase = Phase.new
    private(set) var phaseBegan: ServerTime
    /// When the connection is closed, whatever its bytes do.
    var deadline = ServerTime.never
    /// Shut down; libmicrohttpd has not closed it yet.
    var isClosing = false
    /// The client has ended its side. It may still read.
    var isHalfClosed = false
    /// Nobody can read or write any more.
    var isHungUp = false
    /// How often libmicrohttpd was told of the client's end, in this phase.
    var nudges = 0
    /// Watches for the client's end.
    var watch: EventLoop.Registration?

    /// The present request's target as it came, and where it stood.
    var target: [UInt8] = []
    var targetAddress: UInt = 0
    var request: HTTPRequest?
    /// Whether it is answered without a body.
    var isHEAD = false
    var body: [UInt8] = []
    /// An answer that waits until the whole request was read.
    var answer: HTTPResponse?
    var exchange: Exchange?
    /// The answer's body, while it is being sent.
    var stream: HTTPStream?

    init(listener: Listener, descriptor: Int32, place: HTTPConnection, at time: ServerTime) {
        self.listener = listener
        self.descriptor = descriptor
        self.place = place
        self.phaseBegan = time
    }

    var isWithoutRequest: Bool {
        switch self.phase {
        case .new, .idle, .header: true
        case .body, .handling, .suspended, .resuming, .responding, .streaming, .resting: false
        }
    }

    /// Whether the request cannot go on without further bytes of the client.
    var waitsForInput: Bool {
        self.isWithoutRequest || self.phase == .body
    }

    func enter(_ phase: Phase, at time: ServerTime) {
        self.phase = phase
        self.nudges = 0
        self.phaseBegan = time
    }

    /// Forgets the present request.
    func reset() {
        self.target.removeAll(keepingCapacity: true)
        self.targetAddress = 0
        self.request = nil
        self.body = []
        self.answer = nil
    }
}
