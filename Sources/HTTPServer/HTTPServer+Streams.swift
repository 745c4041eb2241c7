internal import CMicroHTTPD
internal import LinuxSystem

/// Bodies that are produced over time. A stream of which the client has taken all is suspended, so that it costs nothing;
/// there is no timer but the one of all deadlines.
extension HTTPServer {
    /// Deadlines of resting streams are multiples of this part of the heartbeat's time: all of them that fall into one
    /// interval are seen to in one turn.
    private static let heartbeatParts: Int64 = 3

    func queue(
        _ answer: HTTPResponse,
        _ stream: HTTPStream,
        on connection: ServerConnection,
        _ native: OpaquePointer
    ) -> Bool {
        guard !stream.isClosed, let status = UInt32(exactly: answer.status) else { return false }
        let listener = connection.listener
        guard listener.takesStream else {
            stream.close()
            listener.counts.refused += 1
            return self.queue(self.response(to: .busy), on: connection, native)
        }
        let context = Unmanaged.passUnretained(connection).toOpaque()
        guard let response = cmhd_create_stream(self.callbacks, context, connection.isHEAD ? 1 : 0) else {
            return false
        }
        // libmicrohttpd keeps it for as long as it is sent.
        defer { MHD_destroy_response(response) }
        answer.addHeaders(to: response)
        connection.stream = stream
        stream.connection = connection
        listener.counts.streams += 1
        connection.enter(.streaming, at: self.now)
        self.setDeadline(of: connection, after: self.durations.stall)
        if case .remote = connection.place.peer {
            cmhd_limit_silence(connection.descriptor, UInt32(clamping: self.durations.heartbeat * 2 / 1_000_000))
        }
        return cmhd_queue(native, status, response) != 0
    }

    /// libmicrohttpd has sent all that it had, and asks for more.
    func readStream(_ connection: ServerConnection, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        self.progress += 1
        guard !connection.isClosing, !connection.isHungUp, let native = connection.native,
            let stream = connection.stream
        else { return CMHD_STREAM_ABORT }
        let count = stream.read(into: buffer)
        guard count == 0 else {
            self.setDeadline(of: connection, after: stream.isCut ? self.durations.farewell : self.durations.stall)
            return count
        }
        if stream.isFinished {
            return CMHD_STREAM_END
        }
        guard !connection.isClosing, !stream.isClosed else { return CMHD_STREAM_ABORT }
        connection.enter(.resting, at: self.now)
        self.setHeartbeat(of: connection)
        MHD_suspend_connection(native)
        return 0
    }

    /// There is something for the client of a resting stream, or its end. Another one takes it in its course.
    func wake(_ connection: ServerConnection) {
        guard connection.phase == .resting, let native = connection.native else { return }
        self.readClock()
        connection.enter(.streaming, at: self.now)
        self.setDeadline(of: connection, after: self.durations.stall)
        MHD_resume_connection(native)
        self.needsRun = true
    }

    func wasCut(_ stream: HTTPStream) {
        guard let connection = stream.connection else { return }
        self.readClock()
        connection.listener.counts.cut += 1
        self.setDeadline(of: connection, after: self.durations.farewell)
    }

    /// Ends the connection of a resting stream.
    func end(_ connection: ServerConnection) {
        connection.listener.shutDown(connection)
        self.wake(connection)
    }

    /// The request is over, or the connection: nobody reads its stream.
    func closeStream(of connection: ServerConnection) {
        // One whose connection ended between the answer and its first byte is not sent yet.
        guard let stream = connection.stream ?? connection.answer?.stream else { return }
        if connection.stream != nil {
            connection.stream = nil
            connection.listener.counts.streams -= 1
        }
        stream.close()
    }

    func finishStreams() {
        for listener in self.listeners {
            for connection in listener.connections {
                connection.stream?.finish()
            }
        }
    }

    // MARK: Deadlines

    /// Between two thirds of the heartbeat's time and all of it.
    private func setHeartbeat(of connection: ServerConnection) {
        let part = max(1, self.durations.heartbeat / Self.heartbeatParts)
        let latest = self.now.nanoseconds + self.durations.heartbeat
        self.setDeadline(of: connection, after: latest / part * part - self.now.nanoseconds)
    }

    /// A resting stream has said nothing for a while.
    func beat(_ connection: ServerConnection) {
        guard let stream = connection.stream else { return }
        if let heartbeat = stream.heartbeat {
            _ = stream.write(heartbeat)
        } else if connection.isHalfClosed {
            self.end(connection)
        } else {
            self.setHeartbeat(of: connection)
        }
    }

    /// The client of a stream takes nothing. Returns whether it is given the time to read last words.
    func saysFarewell(to connection: ServerConnection) -> Bool {
        guard let stream = connection.stream, !stream.isFinished, let last = stream.onStall?() else { return false }
        stream.cut(with: last)
        return stream.isCut && !connection.isClosing
    }
}
