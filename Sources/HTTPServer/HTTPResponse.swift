/// An answer, made once and queued for any number of clients. Belongs to the server's loop.
public final class HTTPResponse {
    public let status: Int
    public let headers: [HTTPField]
    public let body: [UInt8]

    public init(status: Int, headers: [HTTPField] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
