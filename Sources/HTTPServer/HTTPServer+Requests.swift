internal import CMicroHTTPD
internal import Glibc
internal import LinuxSystem

extension HTTPServer {
    /// The first sight of a request. libmicrohttpd cuts the target up after this call, so it is copied.
    func readRequestLine(_ connection: ServerConnection, _ target: UnsafePointer<CChar>?) {
        self.progress += 1
        if connection.phase != .new {
            connection.enter(.header, at: self.now)
            self.setDeadline(of: connection, after: self.durations.header)
        }
        connection.target.removeAll(keepingCapacity: true)
        connection.targetAddress = UInt(bitPattern: target)
        if let target {
            connection.target.append(contentsOf: UnsafeRawBufferPointer(start: target, count: strlen(target)))
        }
    }

    /// The header, a part of the body, or the end of the request. Returns whether the connection goes on.
    func readRequest(
        _ connection: ServerConnection,
        method: UnsafePointer<CChar>,
        version: UnsafePointer<CChar>,
        _ part: UnsafeRawBufferPointer
    ) -> Bool {
        self.progress += 1
        guard !connection.isClosing, let native = connection.native else { return false }
        switch connection.phase {
        case .new, .idle, .header: return self.begin(connection, native, method: method, version: version)
        case .body: return part.isEmpty ? self.complete(connection, native) : self.append(part, to: connection)
        case .resuming:
            guard let answer = connection.answer else { return false }
            return self.queue(answer, on: connection, native)
        // libmicrohttpd asks no more once it has an answer, and does not look at what is suspended.
        case .handling, .suspended, .responding, .streaming, .resting: return false
        }
    }

    private func begin(
        _ connection: ServerConnection,
        _ native: OpaquePointer,
        method: UnsafePointer<CChar>,
        version: UnsafePointer<CChar>
    ) -> Bool {
        do throws(HTTPRefusal) {
            let count = Int(cmhd_fields(native, self.fields, Int32(self.fieldCapacity)))
            guard count <= self.limits.headerFields else { throw .tooManyFields(limit: self.limits.headerFields) }
            let head = RequestHead(
                method: UnsafeRawBufferPointer(start: method, count: strlen(method)),
                version: UnsafeRawBufferPointer(start: version, count: strlen(version)),
                target: connection.target,
                targetAddress: connection.targetAddress,
                fields: UnsafeBufferPointer(start: self.fields, count: count),
                size: cmhd_header_size(native)
            )
            let body = try self.gate.check(head)
            let target = try RequestTarget(head.target)
            let request = HTTPRequest(
                method: String(decoding: head.method, as: UTF8.self),
                target: String(decoding: head.target, as: UTF8.self),
                path: target.path,
                query: target.query,
                headers: head.fields.map { HTTPField($0) },
                connection: connection.place
            )
            return self.admit(request, body, connection, native)
        } catch {
            return self.queue(self.response(to: error), on: connection, native)
        }
    }

    private func admit(
        _ request: HTTPRequest,
        _ body: RequestGate.Body,
        _ connection: ServerConnection,
        _ native: OpaquePointer
    ) -> Bool {
        let early = self.handler.admit(request)
        if let early, body != .none {
            // An answer in this call closes the connection after it: nobody reads the body.
            return self.queue(early, on: connection, native)
        }
        connection.answer = early
        connection.request = request
        connection.isHEAD = request.method == "HEAD"
        connection.enter(.body, at: self.now)
        // Without a body the end of the request follows in the same breath.
        guard body != .none else { return true }
        if case .length(let count) = body {
            connection.body.reserveCapacity(count)
        }
        self.setDeadline(of: connection, after: self.durations.body)
        return true
    }

    private func append(_ part: UnsafeRawBufferPointer, to connection: ServerConnection) -> Bool {
        let limit = self.limits.bodySize
        guard connection.body.count + part.count <= limit else {
            // libmicrohttpd takes no answer while a body comes in, and would read a chunked one to its end. It has sent
            // nothing of an answer to this request, so the answer is sent past it.
            self.send(HTTPRefusal.bodyTooLarge(limit: limit).makeMessage(), to: connection.descriptor)
            return false
        }
        connection.body.append(contentsOf: part)
        return true
    }

    private func complete(_ connection: ServerConnection, _ native: OpaquePointer) -> Bool {
        if let answer = connection.answer {
            return self.queue(answer, on: connection, native)
        }
        guard var request = connection.request.take() else { return false }
        request.body = connection.body
        connection.body = []
        connection.deadline = .never
        connection.enter(.handling, at: self.now)
        let exchange = Exchange(connection: connection)
        connection.exchange = exchange
        self.handler.handle(request, exchange)
        if let answer = connection.answer {
            return self.queue(answer, on: connection, native)
        }
        self.suspend(connection, native)
        return true
    }

    func queue(_ answer: HTTPResponse, on connection: ServerConnection, _ native: OpaquePointer) -> Bool {
        connection.exchange = nil
        if let stream = answer.stream {
            return self.queue(answer, stream, on: connection, native)
        }
        connection.enter(.responding, at: self.now)
        self.setDeadline(of: connection, after: self.durations.response)
        guard let response = answer.native, let status = UInt32(exactly: answer.status) else { return false }
        return cmhd_queue(native, status, response) != 0
    }

    func completed(_ connection: ServerConnection) {
        self.progress += 1
        self.closeStream(of: connection)
        connection.reset()
        // Only when libmicrohttpd ends a connection by itself is there still one.
        let exchange = connection.exchange
        connection.exchange = nil
        connection.enter(.idle, at: self.now)
        self.setDeadline(of: connection, after: self.durations.idle)
        exchange?.abandon()
    }

    func response(to refusal: HTTPRefusal) -> HTTPResponse {
        if let response = self.refusals[refusal] {
            return response
        }
        let response = refusal.makeResponse()
        self.refusals[refusal] = response
        return response
    }
}
