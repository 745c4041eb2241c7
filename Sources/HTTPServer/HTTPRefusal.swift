/// Why a request is not passed on. The answers are problem details of RFC 9457, and end the connection.
enum HTTPRefusal: Error, Hashable {
    case method
    case version
    case target(TargetFault)
    case targetTooLong(limit: Int)
    case tooManyFields(limit: Int)
    case lineEndings
    case fieldName
    case fieldValue
    case host
    case contentLength
    case contentLengthWithTransferEncoding
    case transferEncoding
    case bodyTooLarge(limit: Int)
    case busy

    enum TargetFault: Hashable {
        case form
        case byte
        case escape
        case escapedByte
        case dotSegment
        case encoding
    }

    var status: Int {
        switch self {
        case .targetTooLong: 414
        case .tooManyFields: 431
        case .bodyTooLarge: 413
        case .busy: 503
        default: 400
        }
    }

    var title: String {
        switch self {
        case .targetTooLong: "URI Too Long"
        case .tooManyFields: "Request Header Fields Too Large"
        case .bodyTooLarge: "Content Too Large"
        case .busy: "Service Unavailable"
        default: "Bad Request"
        }
    }

    var code: String {
        switch self {
        case .bodyTooLarge: "body_too_large"
        case .busy: "busy"
        default: "malformed_request"
        }
    }

    var detail: String {
        switch self {
        case .method: "the method must be of the letters A to Z"
        case .version: "the version must be HTTP/1.0 or HTTP/1.1"
        case .target(let fault): fault.detail
        case .targetTooLong(let limit): "the target is longer than \(limit) bytes"
        case .tooManyFields(let limit): "the header has more than \(limit) fields"
        case .lineEndings:
            "each line must end with CR LF, hold no NUL and not be folded, with single spaces in the first"
        case .fieldName: "a header's name has a byte that is not allowed"
        case .fieldValue: "a header's value has a control byte"
        case .host: "exactly one Host is required"
        case .contentLength: "more than one Content-Length, or not a number"
        case .contentLengthWithTransferEncoding: "Content-Length and Transfer-Encoding exclude each other"
        case .transferEncoding: "the only Transfer-Encoding is chunked, once, and with HTTP/1.1"
        case .bodyTooLarge(let limit): "the body is longer than \(limit) bytes"
        case .busy: "too many requests are under way; nothing was done"
        }
    }
}

extension HTTPRefusal.TargetFault {
    var detail: String {
        switch self {
        case .form: "the target must begin with /"
        case .byte: "the target has a byte that must be percent-encoded"
        case .escape: "the target has a % that is not followed by two hexadecimal digits"
        case .escapedByte: "the target has an encoded control byte, or an encoded slash or backslash in its path"
        case .dotSegment: "the target has a segment . or .."
        case .encoding: "the target is not UTF-8"
        }
    }
}

extension HTTPRefusal {
    /// The answer. Its texts are ours and hold nothing that JSON escapes.
    func makeResponse() -> HTTPResponse {
        HTTPResponse(
            status: self.status,
            headers: self.headers,
            body: Array(self.document.utf8)
        )
    }

    /// The whole answer as bytes, for a connection on which libmicrohttpd cannot send one.
    func makeMessage() -> [UInt8] {
        let fields = self.headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        let document = self.document
        return Array(
            "HTTP/1.1 \(self.status) \(self.title)\r\n\(fields)Content-Length: \(document.utf8.count)\r\n\r\n\(document)"
                .utf8
        )
    }

    private var headers: [HTTPField] {
        var headers = [
            HTTPField("Content-Type", "application/problem+json"),
            HTTPField("Cache-Control", "no-store"),
            HTTPField("Connection", "close"),
        ]
        if self == .busy {
            headers.append(HTTPField("Retry-After", "1"))
        }
        return headers
    }

    /// A line, as every answer is.
    private var document: String {
        """
        {"type":"about:blank","title":"\(self.title)","status":\(self.status),"code":"\(self.code)",\
        "detail":"\(self.detail)","operation":null}

        """
    }
}
