import ControlMessages
import FoundationEssentials
import Glibc
public import LinuxSystem

/// A client of /v1/events that reads when the test says so; it can be one of a thousand.
public final class EventStream {
    private let descriptor: Int32
    private let keepsData: Bool
    private var pending: [UInt8] = []
    private var hasHead = false
    private var buffer = [UInt8](repeating: 0, count: 65536)

    /// The status of the answer, once it is there.
    public private(set) var status: Int?
    /// The ids in the order in which they came, as their frames say them.
    public private(set) var ids: [Int64] = []
    /// The types in their order, those of events without an id too.
    public private(set) var types: [String] = []
    /// The objects in their order, where they are kept.
    public private(set) var data: [String] = []
    /// The agent has ended the stream, or is gone.
    public private(set) var isEnded = false

    /// Connects, and asks to go on after an event.
    /// - Parameter keepsData: `false` where only the ids matter.
    public init(
        to address: SocketAddress,
        after id: Int64? = nil,
        query: String = "",
        keepsData: Bool = true
    ) throws(Errno) {
        self.descriptor = try address.connect(timeout: patience)
        self.keepsData = keepsData
        // With HTTP/1.0 the body comes as it is, and ends with the connection.
        let header = id.map { "Last-Event-ID: \($0)\r\n" } ?? ""
        let text = "GET /v1/events\(query) HTTP/1.0\r\nHost: localhost\r\n\(header)\r\n"
        _ = try systemCall("send") { [descriptor] in send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }
    }

    deinit {
        close(self.descriptor)
    }

    /// Waits until something comes on one of the streams, and reads what there is on all of them.
    public static func receive(_ streams: [EventStream], within limit: Duration) {
        let open = streams.filter { !$0.isEnded }
        var entries = open.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        guard poll(&entries, nfds_t(entries.count), Int32(limit / .milliseconds(1))) > 0 else { return }
        for (stream, entry) in zip(open, entries) where entry.revents != 0 {
            stream.receive()
        }
    }

    /// Reads until the agent ends the stream.
    public func receiveToEnd() {
        while !self.isEnded {
            self.receive()
        }
    }

    private func receive() {
        let count = recv(self.descriptor, &self.buffer, self.buffer.count, 0)
        guard count > 0 else {
            // An event whose frame has not come to its end is none.
            self.isEnded = true
            return
        }
        self.pending += self.buffer[..<count]
        self.takeHead()
        guard self.hasHead else { return }
        self.takeFrames()
    }

    private func takeHead() {
        guard !self.hasHead, let end = self.pending.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
        let line = String(decoding: self.pending.prefix { $0 != 13 }, as: UTF8.self)
        self.status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        self.pending.removeFirst(end.upperBound)
        self.hasHead = true
    }

    private func takeFrames() {
        var taken = 0
        self.pending.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            var seen = 0
            while let found = memchr(base + seen, 10, bytes.count - seen) {
                seen = UnsafeRawPointer(found) - base + 1
                guard seen < bytes.count, bytes[seen] == 10 else { continue }
                self.take(frame: UnsafeRawBufferPointer(start: base + taken, count: seen - 1 - taken))
                seen += 1
                taken = seen
            }
        }
        self.pending.removeFirst(taken)
    }

    private func take(frame: UnsafeRawBufferPointer) {
        guard frame.first != UInt8(ascii: ":") else { return }
        for line in frame.split(separator: UInt8(ascii: "\n")) {
            let text = UnsafeRawBufferPointer(rebasing: line)
            if text.starts(with: "id: ".utf8) {
                self.ids.append(Int64(String(decoding: text.dropFirst(4), as: UTF8.self)) ?? -1)
            } else if text.starts(with: "event: ".utf8) {
                self.types.append(String(decoding: text.dropFirst(7), as: UTF8.self))
            } else if self.keepsData, text.starts(with: "data: ".utf8) {
                self.data.append(String(decoding: text.dropFirst(6), as: UTF8.self))
            }
        }
    }
}
