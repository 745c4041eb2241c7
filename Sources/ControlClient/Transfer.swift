import CCurl

/// Takes what libcurl receives for one request.
final class Transfer {
    /// Header fields and body together, in bytes; a body that is handed on counts for nothing.
    let limit: Int
    /// Who takes the body of an answer that is a success.
    private let consumer: StreamConsumer?
    private(set) var status = 0
    private(set) var body: [UInt8] = []
    private(set) var headers: [ControlResponse.Header] = []
    private(set) var isTooLarge = false
    private var received = 0

    init(limit: Int, consumer: StreamConsumer? = nil) {
        self.limit = limit
        self.consumer = consumer
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
        guard self.consumer != nil else { return }
        cc_set_progress(handle) { context, _, _, _, _ in
            // Anything but 0 ends the transfer.
            Transfer.from(context)?.consumer?.goesOn() == true ? 0 : 1
        }
        cc_set_pointer(handle, CURLOPT_XFERINFODATA, context)
        cc_set_long(handle, CURLOPT_NOPROGRESS, 0)
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> Transfer? {
        context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Answers how many bytes were taken: fewer than came end the transfer.
    private func receive(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, isHeader: Bool) -> Int {
        guard let bytes, count > 0 else { return 0 }
        let raw = UnsafeRawBufferPointer(start: bytes, count: count)
        if !isHeader, let consumer = self.consumer, (200..<300).contains(self.status) {
            return consumer.take(Array(raw)) ? count : 0
        }
        guard count <= self.limit - self.received else {
            self.isTooLarge = true
            return 0
        }
        self.received += count
        if isHeader {
            self.add(headerLine: String(decoding: raw, as: UTF8.self))
        } else {
            self.body.append(contentsOf: raw)
        }
        return count
    }

    private func add(headerLine line: String) {
        guard line != "\r\n" else {
            if (200..<300).contains(self.status) {
                self.consumer?.began(ControlResponse(status: self.status, headers: self.headers, body: []))
            }
            return
        }
        // A status line: what came before it belonged to an interim answer such as 100.
        guard !line.hasPrefix("HTTP/") else {
            self.headers = []
            self.status = line.split(separator: " ").dropFirst().first.flatMap { Int($0.prefix(3)) } ?? 0
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
