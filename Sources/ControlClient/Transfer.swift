import CCurl

/// Takes what libcurl receives for one request.
final class Transfer {
    /// Header fields and body together, in bytes.
    let limit: Int
    private(set) var body: [UInt8] = []
    private(set) var headers: [ControlResponse.Header] = []
    private(set) var isTooLarge = false
    private var received = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// Registers with a handle, which must not be used after this object is gone.
    func attach(to handle: UnsafeMutableRawPointer) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        cc_set_receiver(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            Transfer.from(context)?.receive(bytes, size * count, isHeader: false) ?? 0
        }
        cc_set_pointer(handle, CURLOPT_WRITEDATA, context)
        cc_set_receiver(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            Transfer.from(context)?.receive(bytes, size * count, isHeader: true) ?? 0
        }
        cc_set_pointer(handle, CURLOPT_HEADERDATA, context)
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> Transfer? {
        context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Answers how many bytes were taken: fewer than came end the transfer.
    private func receive(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, isHeader: Bool) -> Int {
        guard let bytes, count > 0 else { return 0 }
        guard count <= self.limit - self.received else {
            self.isTooLarge = true
            return 0
        }
        self.received += count
        let raw = UnsafeRawBufferPointer(start: bytes, count: count)
        if isHeader {
            self.add(headerLine: String(decoding: raw, as: UTF8.self))
        } else {
            self.body.append(contentsOf: raw)
        }
        return count
    }

    private func add(headerLine line: String) {
        // A status line: what came before it belonged to an interim answer such as 100.
        guard !line.hasPrefix("HTTP/") else {
            self.headers = []
            return
        }
        guard let colon = line.firstIndex(of: ":") else { return }
        let value = line[line.index(after: colon)...]
        self.headers.append(
            ControlResponse.Header(name: line[..<colon].lowercased(), value: Self.trimmed(value))
        )
    }

    private static func trimmed(_ text: Substring) -> String {
        let kept = text.drop(while: \.isWhitespace)
        guard let last = kept.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(kept[...last])
    }
}
