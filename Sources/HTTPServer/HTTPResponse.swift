internal import CMicroHTTPD

/// An answer, made once and queued for any number of clients. Belongs to the server's loop.
///
/// Its body is copied once, when it is first queued. libmicrohttpd counts its users, so it may be dropped while clients
/// still read it.
public final class HTTPResponse {
    public let status: Int
    public let headers: [HTTPField]
    public let body: [UInt8]
    /// Where the body comes from over time; then `body` is empty.
    public let stream: HTTPStream?
    private var handle: OpaquePointer?

    public init(status: Int, headers: [HTTPField] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
        self.stream = nil
    }

    /// An answer to one request, whose body is written to `stream` until that is finished.
    public init(status: Int, headers: [HTTPField] = [], stream: HTTPStream) {
        self.status = status
        self.headers = headers
        self.body = []
        self.stream = stream
    }

    deinit {
        if let handle = self.handle {
            MHD_destroy_response(handle)
        }
    }

    /// The library's response; `nil` when there is no memory for it. A header that HTTP does not allow is left out. Not
    /// for one with a stream.
    var native: OpaquePointer? {
        if let handle = self.handle {
            return handle
        }
        let created = self.body.withUnsafeBytes { cmhd_create_response($0.baseAddress, $0.count) }
        guard let created else { return nil }
        self.addHeaders(to: created)
        self.handle = created
        return created
    }

    func addHeaders(to native: OpaquePointer) {
        for field in self.headers {
            _ = cmhd_add_header(native, field.name, field.value)
        }
    }
}
