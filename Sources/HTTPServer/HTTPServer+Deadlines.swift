internal import LinuxSystem

extension HTTPServer {
    /// Takes the time over from the loop. Each entry from the loop does so.
    func readClock() {
        let sinceOrigin = self.origin.duration(to: self.loop.now).components
        self.now = ServerTime(
            nanoseconds: sinceOrigin.seconds * 1_000_000_000 + sinceOrigin.attoseconds / 1_000_000_000
        )
    }

    /// Sets when a connection is closed, whatever happens on it.
    func setDeadline(of connection: ServerConnection, after nanoseconds: Int64) {
        guard !connection.isClosing else { return }
        let time = ServerTime(nanoseconds: self.now.nanoseconds + nanoseconds)
        connection.deadline = time
        if time < self.sweepTime {
            self.arm(time)
        }
    }

    /// One timer for all connections, at the earliest deadline or before it. It is not moved when a deadline is: a request
    /// sets several of them, and at its time the timer looks again. That is at the end of the turn, when what the clients have
    /// sent was read: a process that stood still does not make them pay for it.
    private func arm(_ time: ServerTime) {
        if let sweep = self.sweep {
            self.loop.cancel(sweep)
        }
        self.sweepTime = time
        let instant = self.origin + .nanoseconds(time.nanoseconds)
        self.sweep = self.loop.schedule(at: instant) { [unowned self] in
            self.isSweepDue = true
            self.sweepDelays = 0
            self.needsRun = true
        }
    }

    func disarm() {
        guard let sweep = self.sweep else { return }
        self.loop.cancel(sweep)
        self.sweep = nil
        self.sweepTime = .never
        self.isSweepDue = false
    }

    /// Without connections there is no timer.
    func disarmWithoutConnections() {
        if self.listeners.allSatisfy(\.connections.isEmpty) {
            self.disarm()
        }
    }

    /// Closes what has missed its deadline.
    func sweepConnections() {
        self.disarm()
        var earliest = ServerTime.never
        for listener in self.listeners {
            for connection in listener.connections where connection.deadline != .never {
                if connection.deadline <= self.now {
                    self.expire(connection)
                }
                // That of a stream may have moved.
                earliest = min(earliest, connection.deadline)
            }
        }
        if earliest < self.sweepTime {
            self.arm(earliest)
        }
    }

    private func expire(_ connection: ServerConnection) {
        switch connection.phase {
        case .resting: self.beat(connection)
        case .streaming where self.saysFarewell(to: connection): break
        default:
            connection.listener.counts.expired += 1
            connection.listener.shutDown(connection)
            self.needsRun = true
        }
    }
}
