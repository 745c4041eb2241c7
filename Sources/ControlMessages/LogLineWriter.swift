/// Writes lines of one run on one stream as `LogLineMessage` says, many times faster than its encoder does: what they have
/// in common is made once.
public struct LogLineWriter {
    private let beginning: [UInt8]
    private let end: [UInt8]

    public init(time: String?, worker: String, instance: Int, stream: String, runID: String?) {
        var bytes = Array("{\"time\":".utf8)
        bytes.appendJSONOrNull(time)
        bytes += Array(",\"worker\":".utf8)
        bytes.appendJSON(worker)
        bytes += Array(",\"instance\":\(instance),\"stream\":".utf8)
        bytes.appendJSON(stream)
        bytes += Array(",\"run_id\":".utf8)
        bytes.appendJSONOrNull(runID)
        bytes += Array(",\"text\":".utf8)
        self.beginning = bytes
        self.end = Array(",\"position\":\"\(instance).\(stream):".utf8)
    }

    /// - Parameters:
    ///   - line: without its newline.
    ///   - isPartial: whether no newline follows.
    ///   - position: where the stream goes on after the line.
    public func append(_ line: ArraySlice<UInt8>, isPartial: Bool, position: UInt64, to bytes: inout [UInt8]) {
        bytes += self.beginning
        if let text = String(validating: line, as: UTF8.self) {
            bytes.appendJSON(text)
            bytes += Array(",\"base64\":null,\"partial\":".utf8)
        } else {
            bytes.appendJSON(String(decoding: line, as: UTF8.self))
            bytes += Array(",\"base64\":\"".utf8)
            bytes.appendBase64(line)
            bytes += Array("\",\"partial\":".utf8)
        }
        bytes += isPartial ? Array("true".utf8) : Array("false".utf8)
        bytes += self.end
        bytes += Array("\(position)\"}\n".utf8)
    }
}

extension [UInt8] {
    fileprivate mutating func appendJSONOrNull(_ text: String?) {
        if let text {
            self.appendJSON(text)
        } else {
            self += Array("null".utf8)
        }
    }

    /// RFC 4648, section 4.
    fileprivate mutating func appendBase64(_ bytes: ArraySlice<UInt8>) {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var rest = bytes
        while !rest.isEmpty {
            let three = rest.prefix(3)
            rest = rest.dropFirst(3)
            var number: UInt32 = 0
            for byte in three {
                number = number << 8 | UInt32(byte)
            }
            number <<= UInt32(8 * (3 - three.count))
            for index in 0..<4 {
                let digit = digits[Int(number >> UInt32(18 - 6 * index) & 0x3f)]
                self.append(index <= three.count ? digit : UInt8(ascii: "="))
            }
        }
    }
}
