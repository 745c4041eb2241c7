internal import CMicroHTTPD

/// An answer, made once and queued for any number of clients. Belongs to the server's loop.
///
/// Its body is copied once, when it is first queued. libmicrohttpd counts its users, so it may be dropped while clients
/// still read it.
public final class HTTPResponse {
    public let status: Int
    public let headers: [HTTPField]
    public let body: [UInt8]
    private var handle: OpaquePointer?

    public init(status: Int, headers: [HTTPField] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    deinit {
        if let handle = self.handle {
            MHD_destroy_response(handle)
        }
    }

    /// The library's response; `nil` when there is no memory for it. A header that HTTP does not allow is left out.
    var native: OpaquePointer? {
        if let handle = self.handle {
            return handle
        }
        let created = self.body.withUnsafeBytes { cmhd_create_response($0.baseAddress, $0.count) }
        guard let created else { return nil }
        for field in self.headers {
            _ = cmhd_add_header(created, field.name, field.value)
        }
        self.handle = created
        return created
    }
}
