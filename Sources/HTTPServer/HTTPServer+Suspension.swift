internal import CMicroHTTPD
internal import LinuxSystem

extension HTTPServer {
    /// The answer is there. While the handler has not returned, it is taken when it does.
    func resume(_ connection: ServerConnection) {
        guard connection.phase == .suspended, let native = connection.native else { return }
        self.unwatch(connection)
        connection.enter(.resuming, at: self.loop.now)
        MHD_resume_connection(native)
        self.needsRun = true
    }

    /// The client of a suspended connection is gone, or the connection is taken from it.
    func lose(_ connection: ServerConnection) {
        let exchange = connection.exchange
        connection.exchange = nil
        self.resume(connection)
        connection.listener.shutDown(connection)
        exchange?.abandon()
    }

    /// libmicrohttpd does not see the client of a suspended connection leave; the loop does. EPOLLHUP and EPOLLERR, which
    /// epoll reports unasked, mean that both directions are over: a Unix client closed its socket, a TCP client reset it. A
    /// client that only ended its own side may still read, so it is answered; edge-triggered, because its end stays.
    func watch(_ connection: ServerConnection) {
        connection.watch = try? self.loop.register(connection.descriptor, for: [.peerClosed, .edgeTriggered]) {
            [weak self, unowned connection] events in
            if events.contains(.hangup) || events.contains(.error) {
                self?.lose(connection)
            } else if events.contains(.peerClosed) {
                connection.isHalfClosed = true
            }
        }
    }

    func unwatch(_ connection: ServerConnection) {
        guard let watch = connection.watch else { return }
        connection.watch = nil
        self.loop.deregister(watch)
    }
}
