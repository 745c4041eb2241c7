internal import ControlMessages
internal import HTTPServer

/// Makes the answers of the API, with the headers that every one of them has.
enum Answer {
    /// They are for programs: no cache keeps them, and a browser that was led here runs nothing of them.
    private static let security = [
        HTTPField("X-Content-Type-Options", "nosniff"),
        HTTPField("Content-Security-Policy", "default-src 'none'"),
    ]

    static func json(_ body: [UInt8], status: Int = 200, headers: [HTTPField] = []) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: [HTTPField("Content-Type", "application/json"), HTTPField("Cache-Control", "no-store")]
                + Self.security + headers,
            body: Self.line(body)
        )
    }

    static func json(_ message: some Encodable, status: Int = 200, headers: [HTTPField] = []) -> HTTPResponse {
        Self.json(Self.encode(message), status: status, headers: headers)
    }

    static func text(_ body: [UInt8], contentType: String) -> HTTPResponse {
        HTTPResponse(
            status: 200,
            headers: [HTTPField("Content-Type", contentType), HTTPField("Cache-Control", "no-store")] + Self.security,
            body: body
        )
    }

    /// An answer whose body is written to `stream` for as long as its client stays.
    static func stream(_ stream: HTTPStream, contentType: String, headers: [HTTPField] = []) -> HTTPResponse {
        HTTPResponse(
            status: 200,
            headers: [
                HTTPField("Content-Type", contentType), HTTPField("Cache-Control", "no-store"),
                // Known to nginx and others: what comes is not to be gathered first.
                HTTPField("X-Accel-Buffering", "no"),
            ] + Self.security + headers,
            stream: stream
        )
    }

    /// An answer that a client may keep and ask for again by `If-None-Match`.
    static func tagged(_ body: [UInt8], revision: Int64) -> HTTPResponse {
        HTTPResponse(
            status: 200,
            headers: [
                HTTPField("Content-Type", "application/json"), HTTPField("Cache-Control", "no-cache"),
                HTTPField("ETag", Self.tag(revision)),
            ] + Self.security,
            body: Self.line(body)
        )
    }

    static func notModified(revision: Int64) -> HTTPResponse {
        HTTPResponse(
            status: 304,
            headers: [HTTPField("Cache-Control", "no-cache"), HTTPField("ETag", Self.tag(revision))] + Self.security
        )
    }

    static func problem(_ problem: Problem) -> HTTPResponse {
        let message = ProblemMessage(
            title: Self.title(problem.status),
            status: problem.status,
            code: problem.code.rawValue,
            detail: problem.detail,
            operation: problem.operation
        )
        var body = Self.encode(message)
        if let oldest = problem.oldest {
            // An extension member (RFC 9457, section 3.2), after the ones that every problem has.
            body.removeLast()
            body += Array(",\"oldest\":\(oldest)}".utf8)
        }
        return HTTPResponse(
            status: problem.status,
            headers: [HTTPField("Content-Type", "application/problem+json"), HTTPField("Cache-Control", "no-store")]
                + Self.security + problem.headers,
            body: Self.line(body)
        )
    }

    /// The body as a line of text, so that a shell's prompt does not stand behind what curl prints.
    private static func line(_ body: [UInt8]) -> [UInt8] {
        body + [UInt8(ascii: "\n")]
    }

    /// The entity tag of a revision (RFC 9110, section 8.8.3).
    private static func tag(_ revision: Int64) -> String {
        "\"\(revision)\""
    }

    /// Whether an `If-None-Match` names the revision; weak tags count, as RFC 9110, section 13.1.2, says.
    static func matches(_ ifNoneMatch: String, revision: Int64) -> Bool {
        let tag = Self.tag(revision)
        return ifNoneMatch.split(separator: ",").contains { candidate in
            let bare = candidate.drop { $0 == " " || $0 == "\t" }
            let trimmed = bare.prefix { $0 != " " && $0 != "\t" }
            return trimmed == "*" || trimmed == tag || trimmed == "W/" + tag
        }
    }

    /// A number that names a document: its FNV-1a checksum, without the sign.
    static func checksum(_ document: [UInt8]) -> Int64 {
        var checksum: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in document {
            checksum = (checksum ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return Int64(checksum >> 1)
    }

    /// The messages hold no number that is not finite, which is all that the encoder refuses.
    static func encode(_ message: some Encodable) -> [UInt8] {
        do {
            return try ContractEncoder.encode(message)
        } catch {
            preconditionFailure("cannot encode \(type(of: message)): \(error)")
        }
    }

    /// The reason phrases of RFC 9110, section 15.
    private static func title(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 410: "Gone"
        case 412: "Precondition Failed"
        case 415: "Unsupported Media Type"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 423: "Locked"
        case 424: "Failed Dependency"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Error"
        }
    }
}
