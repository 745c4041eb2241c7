internal import CMicroHTTPD
internal import Glibc
internal import LinuxSystem

extension HTTPServer {
    static func makeReserve() -> Int32 {
        open("/dev/null", O_RDONLY | O_CLOEXEC)
    }

    func accept(_ listener: Listener) {
        self.readClock()
        for _ in 0..<self.limits.acceptsPerTurn {
            var address = SocketAddress()
            let descriptor = cmhd_accept(listener.socket.descriptor, &address.storage, &address.length)
            guard descriptor < 0 else {
                self.take(descriptor, &address, listener)
                continue
            }
            switch errno {
            case EAGAIN: return
            case EMFILE, ENFILE:
                guard self.refuseWithReserve(listener) else {
                    self.rest(listener)
                    return
                }
            case ENOBUFS, ENOMEM:
                self.rest(listener)
                return
            // EINTR, ECONNABORTED, and the errors of a connection that accept(2) hands on: the next one may be fine.
            default: continue
            }
        }
    }

    /// Accepts and closes one connection with the descriptor that was kept for it: left in the queue it would make the
    /// listener ready for ever. Returns whether that worked.
    private func refuseWithReserve(_ listener: Listener) -> Bool {
        guard self.reserve >= 0 else {
            self.reserve = Self.makeReserve()
            return self.reserve >= 0
        }
        close(self.reserve)
        var address = SocketAddress()
        let descriptor = cmhd_accept(listener.socket.descriptor, &address.storage, &address.length)
        let isEmpty = descriptor < 0 && errno == EAGAIN
        if descriptor >= 0 {
            self.refuse(descriptor, listener)
        }
        self.reserve = Self.makeReserve()
        return descriptor >= 0 || isEmpty
    }

    /// Stops looking at a listener for a while: it would be ready in each turn, and nothing could be done.
    private func rest(_ listener: Listener) {
        guard let registration = listener.registration else { return }
        try? self.loop.modify(registration, for: [])
        self.loop.schedule(at: self.loop.now + self.limits.descriptorRetry) { [hooks] in
            // The registration is of the running server.
            try? hooks.server?.loop.modify(registration, for: .readable)
        }
    }

    private func take(_ descriptor: Int32, _ address: inout SocketAddress, _ listener: Listener) {
        guard let peer = self.peer(of: descriptor, address) else {
            close(descriptor)
            return
        }
        if listener.active >= listener.capacity {
            guard let dispensable = listener.dispensable else {
                self.refuse(descriptor, listener)
                return
            }
            self.evict(dispensable)
        }
        guard let daemon = self.daemon else {
            close(descriptor)
            return
        }
        let place = HTTPConnection(listener: listener.index, peer: peer)
        let connection = ServerConnection(
            listener: listener,
            descriptor: descriptor,
            place: place,
            at: self.now
        )
        self.arriving[descriptor] = connection
        self.needsRun = true
        guard cmhd_add(daemon, descriptor, &address.storage, address.length) != 0 else {
            // It has closed the descriptor.
            self.arriving[descriptor] = nil
            listener.counts.refused += 1
            return
        }
        listener.counts.accepted += 1
    }

    private func peer(of descriptor: Int32, _ address: SocketAddress) -> HTTPConnection.Peer? {
        if let host = address.host {
            return .remote(address: host)
        }
        return PeerCredentials(socket: descriptor).map { .local($0) }
    }

    /// There is no place for the new connection: says so to it, as far as its socket takes it at once.
    private func refuse(_ descriptor: Int32, _ listener: Listener) {
        listener.counts.refused += 1
        self.send(HTTPRefusal.busy.makeMessage(), to: descriptor)
        close(descriptor)
    }

    private func evict(_ connection: ServerConnection) {
        connection.listener.counts.evicted += 1
        if connection.phase == .suspended {
            self.lose(connection)
        } else {
            connection.listener.shutDown(connection)
        }
    }

    /// Sends what the socket takes without waiting.
    func send(_ message: [UInt8], to descriptor: Int32) {
        _ = message.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
        }
    }

    func opened(_ native: OpaquePointer, _ descriptor: Int32) -> ServerConnection {
        guard let connection = self.arriving.removeValue(forKey: descriptor) else {
            preconditionFailure("libmicrohttpd opened a connection that it was not given")
        }
        self.progress += 1
        connection.native = native
        connection.listener.add(connection)
        self.setDeadline(of: connection, after: self.durations.header)
        self.watch(connection)
        return connection
    }

    func closed(_ connection: ServerConnection) {
        self.progress += 1
        self.unwatch(connection)
        connection.native = nil
        // The listener holds the last reference; what follows must not use a dead connection.
        withExtendedLifetime(connection) {
            connection.listener.remove(connection)
            connection.exchange?.abandon()
            connection.exchange = nil
            self.closeStream(of: connection)
        }
        self.disarmWithoutConnections()
    }
}
