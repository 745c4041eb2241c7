internal import LinuxSystem

extension HTTPServer {
    /// Sets when a connection is closed, whatever happens on it.
    func setDeadline(of connection: ServerConnection, after duration: Duration) {
        guard !connection.isClosing else { return }
        let instant = self.loop.now + duration
        connection.deadline = instant
        self.arm(instant)
    }

    /// One timer for all connections, at the earliest deadline or before it. It is not moved when a deadline is: a request
    /// sets four of them, and at its time the timer looks again.
    private func arm(_ instant: SuspendingClock.Instant) {
        if let sweep = self.sweep {
            guard instant < sweep.instant else { return }
            self.loop.cancel(sweep)
        }
        self.sweep = self.loop.schedule(at: instant) { [weak self] in
            self?.sweepConnections()
        }
    }

    /// Without connections there is no timer.
    func disarmWithoutConnections() {
        guard let sweep = self.sweep, self.listeners.allSatisfy(\.connections.isEmpty) else { return }
        self.loop.cancel(sweep)
        self.sweep = nil
    }

    private func sweepConnections() {
        self.sweep = nil
        var earliest: SuspendingClock.Instant?
        for listener in self.listeners {
            for connection in listener.connections {
                guard let deadline = connection.deadline else { continue }
                if deadline <= self.loop.now {
                    listener.counts.expired += 1
                    listener.shutDown(connection)
                    self.needsRun = true
                } else {
                    earliest = earliest.map { min($0, deadline) } ?? deadline
                }
            }
        }
        if let earliest {
            self.arm(earliest)
        }
    }
}
