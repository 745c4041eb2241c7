internal import CMicroHTTPD
internal import LinuxSystem

extension HTTPServer {
    /// libmicrohttpd calls these on the loop's thread, from inside MHD_run, MHD_add_connection and MHD_stop_daemon. None
    /// may throw or trap on what a client sends.
    static func makeCallbacks(owner: UnsafeMutableRawPointer) -> cmhd_callbacks {
        // Unmanaged, because C holds them: the server lives until it has stopped the daemon, and a connection belongs to
        // its listener until `closed`.
        cmhd_callbacks(
            owner: owner,
            opened: { owner, native, descriptor in
                let server = Unmanaged<HTTPServer>.fromOpaque(owner).takeUnretainedValue()
                return Unmanaged.passUnretained(server.opened(native, descriptor)).toOpaque()
            },
            closed: { owner, context in
                let server = Unmanaged<HTTPServer>.fromOpaque(owner).takeUnretainedValue()
                server.closed(Unmanaged<ServerConnection>.fromOpaque(context).takeUnretainedValue())
            },
            request_line: { owner, context, target in
                let server = Unmanaged<HTTPServer>.fromOpaque(owner).takeUnretainedValue()
                let connection = Unmanaged<ServerConnection>.fromOpaque(context).takeUnretainedValue()
                server.readRequestLine(connection, target)
            },
            request: { owner, context, method, version, data, size in
                let server = Unmanaged<HTTPServer>.fromOpaque(owner).takeUnretainedValue()
                let connection = Unmanaged<ServerConnection>.fromOpaque(context).takeUnretainedValue()
                let part = UnsafeRawBufferPointer(start: data, count: size)
                return server.readRequest(connection, method: method, version: version, part) ? 1 : 0
            },
            completed: { owner, context in
                let server = Unmanaged<HTTPServer>.fromOpaque(owner).takeUnretainedValue()
                server.completed(Unmanaged<ServerConnection>.fromOpaque(context).takeUnretainedValue())
            },
            content: { owner, context, buffer, size in
                let server = Unmanaged<HTTPServer>.fromOpaque(owner).takeUnretainedValue()
                let connection = Unmanaged<ServerConnection>.fromOpaque(context).takeUnretainedValue()
                return server.readStream(connection, into: UnsafeMutableRawBufferPointer(start: buffer, count: size))
            },
            log: { owner, text in
                let server = Unmanaged<HTTPServer>.fromOpaque(owner).takeUnretainedValue()
                server.logged(text)
            }
        )
    }

    private func logged(_ text: UnsafePointer<CChar>) {
        guard let log = self.log, let dropped = self.logLimiter.admit(at: self.loop.now) else { return }
        if dropped > 0 {
            log("\(dropped) lines left out")
        }
        var line = String(cString: text)
        while line.last?.isNewline == true {
            line.removeLast()
        }
        log(line)
    }
}
