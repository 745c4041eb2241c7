import ControlMessages
import FoundationEssentials
import Testing

@Suite struct LogLineWriterTests {
    /// All lengths that base64 pads differently, and what JSON escapes.
    @Test(arguments: [
        [], Array("a line".utf8), Array("\u{1b}[1m\"\\\t\r\0é".utf8), [0xff], [0xff, 0], [0xff, 0, 0x80],
        Array(0...255),
    ])
    func itWritesWhatTheEncoderWouldWrite(line: [UInt8]) throws {
        for runID in [nil, "01a202b8-734d-71a3-af67-19acad3c2d6d"] {
            let writer = LogLineWriter(time: runID, worker: "web", instance: 7, stream: "stderr", runID: runID)
            var bytes = Array("before\n".utf8)
            writer.append(line[...], isPartial: runID == nil, position: 1842, to: &bytes)
            let isText = String(validating: line, as: UTF8.self) != nil
            let message = LogLineMessage(
                time: runID,
                worker: "web",
                instance: 7,
                stream: "stderr",
                runID: runID,
                text: String(decoding: line, as: UTF8.self),
                base64: isText ? nil : Data(line).base64EncodedString(),
                partial: runID == nil,
                position: "7.stderr:1842"
            )
            let expected = Array("before\n".utf8) + (try ContractEncoder.encode(message)) + [UInt8(ascii: "\n")]
            #expect(bytes == expected)
        }
    }
}
