internal import Glibc
internal import LinuxSystem

/// What a listener has seen, for whoever wants to know how the server fares.
public struct ListenerCounts: Equatable, Sendable {
    public var address: ListeningSocket.Address
    /// Connections that are open now.
    public var open = 0
    /// Those of them whose answer is a stream.
    public var streams = 0
    /// Connections accepted and served.
    public var accepted = 0
    /// Connections closed at the limit, for the sake of a new one.
    public var evicted = 0
    /// Connections refused, because each open one had a request, or for lack of a descriptor.
    public var refused = 0
    /// Connections closed at a deadline.
    public var expired = 0
    /// Streams ended because their client did not read.
    public var cut = 0
}

/// A listening socket of the server, with the connections that came in through it.
final class Listener {
    unowned let server: HTTPServer
    let index: Int
    let socket: ListeningSocket
    /// Connections at most.
    let capacity: Int
    /// Each one knows its index here.
    private(set) var connections: [ServerConnection] = []
    /// Those of `connections` that have been shut down and only wait for libmicrohttpd to close them.
    private(set) var closing = 0
    var counts: ListenerCounts
    var registration: EventLoop.Registration?

    init(server: HTTPServer, index: Int, capacity: Int, socket: consuming ListeningSocket) {
        self.server = server
        self.index = index
        self.capacity = capacity
        self.counts = ListenerCounts(address: socket.address)
        self.socket = socket
    }

    /// Connections that still do something.
    var active: Int {
        self.connections.count - self.closing
    }

    func add(_ connection: ServerConnection) {
        connection.index = self.connections.count
        self.connections.append(connection)
        self.counts.open = self.connections.count
    }

    func remove(_ connection: ServerConnection) {
        guard connection.index < self.connections.count, self.connections[connection.index] === connection else {
            return
        }
        let last = self.connections.removeLast()
        if last !== connection {
            last.index = connection.index
            self.connections[last.index] = last
        }
        if connection.isClosing {
            self.closing -= 1
        }
        self.counts.open = self.connections.count
    }

    /// Ends a connection in both directions. libmicrohttpd then sees that it is over, and closes it.
    func shutDown(_ connection: ServerConnection) {
        guard !connection.isClosing else { return }
        connection.isClosing = true
        connection.deadline = .never
        self.closing += 1
        shutdown(connection.descriptor, Int32(SHUT_RDWR))
    }

    /// Whether there is a place for one more stream. Streams last, and none is ended for the sake of a newcomer, so they
    /// leave room for requests.
    var takesStream: Bool {
        self.counts.streams < max(1, self.capacity / 2)
    }

    /// The connection to close when there is no room: the one that has been without a request for the longest; where all
    /// have one, one that waits for an answer and whose client has ended its side, or one whose client does not read its
    /// stream and was told so.
    var dispensable: ServerConnection? {
        var oldest: ServerConnection?
        for connection in self.connections where !connection.isClosing && connection.isWithoutRequest {
            if let best = oldest, best.phaseBegan <= connection.phaseBegan {
                continue
            }
            oldest = connection
        }
        return oldest
            ?? self.connections.first { connection in
                !connection.isClosing
                    && (connection.phase == .suspended && connection.isHalfClosed || connection.stream?.isCut == true)
            }
    }
}
