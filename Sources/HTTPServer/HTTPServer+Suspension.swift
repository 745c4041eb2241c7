internal import CMicroHTTPD
internal import LinuxSystem

extension HTTPServer {
    func suspend(_ connection: ServerConnection, _ native: OpaquePointer) {
        connection.enter(.suspended, at: self.now)
        MHD_suspend_connection(native)
        if connection.isHungUp {
            self.lose(connection)
        }
    }

    /// The answer is there. While the handler has not returned, it is taken when it does.
    func resume(_ connection: ServerConnection) {
        guard connection.phase == .suspended, let native = connection.native else { return }
        connection.enter(.resuming, at: self.now)
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
}
