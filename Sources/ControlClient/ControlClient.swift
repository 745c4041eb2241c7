import CCurl

/// Speaks HTTP with an agent, over its Unix socket or over TCP, by libcurl.
///
/// One request at a time: a client belongs to one thread. It goes nowhere but to its endpoint: it follows no redirect,
/// uses no proxy and no netrc, and speaks http and https only.
public final class ControlClient {
    /// The most that an answer may have, header fields and body together, in bytes.
    public static let maximumAnswer = 64 << 20
    /// For the connection to come about.
    public static let connectTimeout = Duration.seconds(5)
    /// What fits into `sockaddr_un` with its zero (unix(7)), in bytes.
    static let maximumSocketPath = 107

    public let endpoint: ControlEndpoint
    let answerLimit: Int
    let handle: UnsafeMutableRawPointer

    /// Once in a process, before the first handle (curl_global_init(3)).
    private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    public init(
        _ endpoint: ControlEndpoint,
        answerLimit: Int = ControlClient.maximumAnswer
    ) throws(ControlClientError) {
        guard Self.isReady, let handle = curl_easy_init() else {
            throw .invalidRequest("libcurl does not start")
        }
        self.endpoint = endpoint
        self.answerLimit = answerLimit
        self.handle = handle
    }

    deinit {
        curl_easy_cleanup(self.handle)
    }

    /// Sends a request and takes the whole answer; an answer of any status is no error.
    public func send(_ request: ControlRequest) throws(ControlClientError) -> ControlResponse {
        let transfer = Transfer(limit: self.answerLimit)
        let code = try self.perform(request, transfer)
        guard code == CURLE_OK else { throw self.error(code) }
        return ControlResponse(status: transfer.status, headers: transfer.headers, body: transfer.body)
    }

    /// Lets libcurl do it, and answers how it ended.
    func perform(_ request: ControlRequest, _ transfer: Transfer) throws(ControlClientError) -> CURLcode {
        if let invalidity = request.invalidity {
            throw .invalidRequest(invalidity)
        }
        let url = try self.url(of: request)
        curl_easy_reset(self.handle)
        self.setBounds(request)
        cc_set_string(self.handle, CURLOPT_URL, url)
        if case .unixSocket(let path) = self.endpoint {
            try self.setSocket(path)
        }
        self.setMethod(request)
        let headers = try self.headerList(of: request)
        defer { curl_slist_free_all(headers) }
        cc_set_pointer(self.handle, CURLOPT_HTTPHEADER, headers)
        let code = withExtendedLifetime(transfer) {
            transfer.attach(to: self.handle)
            return curl_easy_perform(self.handle)
        }
        if transfer.isTooLarge {
            throw .answerTooLarge(limit: self.answerLimit)
        }
        return code
    }

    /// Sends a request given by its parts; `path` is encoded already, the query is not.
    public func request(
        _ method: String,
        _ path: String,
        query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [],
        body: [UInt8]? = nil,
        timeout: Duration? = ControlRequest.defaultTimeout
    ) throws(ControlClientError) -> ControlResponse {
        try self.send(
            ControlRequest(method, path, query: query, headers: headers, body: body, timeout: timeout)
        )
    }

    private func url(of request: ControlRequest) throws(ControlClientError) -> String {
        switch self.endpoint {
        case .unixSocket:
            return "http://localhost" + request.target
        case .url(let base, _):
            let isHTTP = base.hasPrefix("http://") || base.hasPrefix("https://")
            let isPlain = base.utf8.allSatisfy { byte in
                byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "?") && byte != UInt8(ascii: "#")
            }
            guard isHTTP, isPlain else {
                throw .invalidRequest("\(base.debugDescription) is no base such as https://web1.example.org:9191")
            }
            let trimmed = base.hasSuffix("/") ? String(base.dropLast()) : base
            return trimmed + request.target
        }
    }

    private func setBounds(_ request: ControlRequest) {
        cc_set_string(self.handle, CURLOPT_PROTOCOLS_STR, "http,https")
        cc_set_long(self.handle, CURLOPT_FOLLOWLOCATION, 0)
        // Both, because libcurl else reads http_proxy, https_proxy and all_proxy from the environment.
        cc_set_string(self.handle, CURLOPT_PROXY, "")
        cc_set_string(self.handle, CURLOPT_NOPROXY, "*")
        // No SIGALRM for name look-ups, which would not be safe with threads.
        cc_set_long(self.handle, CURLOPT_NOSIGNAL, 1)
        cc_set_long(self.handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        cc_set_long(self.handle, CURLOPT_PATH_AS_IS, 1)
        cc_set_long(self.handle, CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(Self.connectTimeout))
        cc_set_long(self.handle, CURLOPT_TIMEOUT_MS, request.timeout.map(Self.milliseconds) ?? 0)
        // A request on a connection that turns out to be dead is sent again by libcurl. For one that changes something
        // nobody can tell whether it was acted on, so it gets a connection of its own.
        let isSafe = request.method == "GET" || request.method == "HEAD"
        cc_set_long(self.handle, CURLOPT_FRESH_CONNECT, isSafe ? 0 : 1)
    }

    private func setSocket(_ path: String) throws(ControlClientError) {
        guard path.utf8.count <= Self.maximumSocketPath else {
            let reason = "the path is longer than \(Self.maximumSocketPath) bytes"
            throw .cannotReach(endpoint: path, reason: .other(reason))
        }
        // Unset, the request would go to TCP port 80 of this machine.
        guard cc_set_string(self.handle, CURLOPT_UNIX_SOCKET_PATH, path) == CURLE_OK else {
            throw .cannotReach(endpoint: path, reason: .other("this libcurl knows no Unix sockets"))
        }
    }

    private func setMethod(_ request: ControlRequest) {
        if let body = request.body {
            cc_set_long(self.handle, CURLOPT_POST, 1)
            body.withUnsafeBytes { bytes in
                _ = cc_set_body(self.handle, bytes.baseAddress, bytes.count)
            }
        } else if request.method == "HEAD" {
            cc_set_long(self.handle, CURLOPT_NOBODY, 1)
        } else if request.method == "POST" || request.method == "PUT" {
            cc_set_long(self.handle, CURLOPT_POST, 1)
            cc_set_body(self.handle, nil, 0)
        }
        cc_set_string(self.handle, CURLOPT_CUSTOMREQUEST, request.method)
    }

    private func headerList(
        of request: ControlRequest
    ) throws(ControlClientError) -> UnsafeMutablePointer<curl_slist>? {
        var lines = ["User-Agent: reeve", "Expect:"]
        if !request.headers.contains(where: { $0.name.lowercased() == "accept" }) {
            lines.append("Accept: application/json, application/problem+json")
        }
        if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            // Without a value libcurl leaves the field out that it adds to every POST.
            lines.append(request.body == nil ? "Content-Type:" : "Content-Type: application/json")
        }
        if case .url(_, let token?) = self.endpoint {
            guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
                throw .invalidRequest("the token is empty or has characters that no token has")
            }
            lines.append("Authorization: Bearer \(token)")
        }
        // With a semicolon libcurl sends a field that has no value.
        lines += request.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            guard let longer = curl_slist_append(list, line) else {
                curl_slist_free_all(list)
                throw .invalidRequest("out of memory")
            }
            list = longer
        }
        return list
    }

    /// Whole milliseconds, at least one: for libcurl 0 is no limit.
    private static func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
