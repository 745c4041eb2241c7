/// A request to an agent, before it is put into HTTP.
public struct ControlRequest: Equatable, Sendable {
    public var method: String
    /// Beginning with `/`, encoded already; see `path(_:)`.
    public var path: String
    /// Names and values, to be encoded.
    public var query: [(name: String, value: String)]
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]?
    /// For the whole exchange; `nil` waits for as long as the agent keeps the connection.
    public var timeout: Duration?

    /// What a request takes that the agent answers without waiting for anything.
    public static let defaultTimeout = Duration.seconds(10)

    public init(
        _ method: String,
        _ path: String,
        query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [],
        body: [UInt8]? = nil,
        timeout: Duration? = ControlRequest.defaultTimeout
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.timeout = timeout
    }

    /// A path of the given parts, each of which may hold any characters.
    public static func path(_ parts: String...) -> String {
        parts.map { "/" + PercentEncoding.encode($0) }.joined()
    }

    /// What stands in the request line.
    public var target: String {
        guard !self.query.isEmpty else { return self.path }
        let pairs = self.query.map { PercentEncoding.encode($0.name) + "=" + PercentEncoding.encode($0.value) }
        return self.path + "?" + pairs.joined(separator: "&")
    }

    /// What a request may not carry, as it would be read as something else on the way; `nil` when it is all right.
    var invalidity: String? {
        func isToken(_ text: String) -> Bool {
            !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }
        }
        guard isToken(self.method) else { return "\(self.method.debugDescription) is no method" }
        let isPath = self.path.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "?") && byte != UInt8(ascii: "#")
        }
        guard self.path.hasPrefix("/"), isPath else { return "\(self.path.debugDescription) is no path" }
        for header in self.headers {
            guard isToken(header.name), header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                return "\(header.name.debugDescription) is no header"
            }
        }
        return nil
    }

    public static func == (a: ControlRequest, b: ControlRequest) -> Bool {
        a.method == b.method && a.target == b.target && a.body == b.body && a.timeout == b.timeout
            && a.headers.elementsEqual(b.headers) { $0 == $1 }
    }
}
