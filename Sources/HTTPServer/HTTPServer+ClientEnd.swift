internal import Glibc
internal import LinuxSystem

extension HTTPServer {
    /// How often libmicrohttpd is told of a client's end before the connection is closed without it.
    private static let nudgesAtMost = 4

    /// Watches for the end of a client, for as long as its connection lives: libmicrohttpd does not look at a connection
    /// that is suspended, and overlooks an end that comes together with the last bytes.
    ///
    /// EPOLLHUP and EPOLLERR, which epoll reports unasked, mean that both directions are over: a Unix client closed its
    /// socket, a TCP client reset it. A client that only ended its own side may still read, so it is answered.
    /// Edge-triggered, because the end stays.
    func watch(_ connection: ServerConnection) {
        connection.watch = try? self.loop.register(connection.descriptor, for: [.peerClosed, .edgeTriggered]) {
            [unowned self, unowned connection] events in
            self.clientEnded(connection, events)
        }
    }

    func unwatch(_ connection: ServerConnection) {
        guard let watch = connection.watch else { return }
        connection.watch = nil
        self.loop.deregister(watch)
    }

    private func clientEnded(_ connection: ServerConnection, _ events: EventLoop.Events) {
        if events.contains(.hangup) || events.contains(.error) {
            connection.isHungUp = true
            switch connection.phase {
            case .suspended: self.lose(connection)
            case .resting: self.end(connection)
            default: break
            }
        }
        if events.contains(.peerClosed), !connection.isHalfClosed {
            connection.isHalfClosed = true
            self.ended.append(connection)
            self.needsRun = true
        }
    }

    /// Tells libmicrohttpd, once it has nothing more to do, that nothing more comes.
    ///
    /// It waits edge-triggered, and takes a read that fills less than its buffer as a sign that the next bytes will be an
    /// event; an end of the client that was there already is none. Shutting the reading side down, which says nothing to
    /// the client, is one: then it reads the end.
    func nudgeEnded() {
        guard !self.ended.isEmpty else { return }
        self.ended.removeAll { $0.native == nil }
        for connection in self.ended where connection.waitsForInput && !connection.isClosing {
            connection.nudges += 1
            if connection.nudges > Self.nudgesAtMost {
                connection.listener.shutDown(connection)
            } else {
                shutdown(connection.descriptor, Int32(SHUT_RD))
            }
        }
    }
}
