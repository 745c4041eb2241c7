import Glibc
import TestSupport
import Testing

@testable import Keeper

@Suite struct KeeperLogTests {
    @Test func aLineIsOneLineWithItsTimeAndItsValues() {
        let line = KeeperLog.line(.error, "the agent died", ["pid": "42", "how": "signal 9", "x": "a\n\"b\""])
        #expect(line.hasSuffix("Z error keeper: the agent died pid=42 how=\"signal 9\" x=\"a \\\"b\\\"\"\n"))
        #expect(KeeperLog.timestamp(1_764_000_000_123_456_789) == "2025-11-24T16:00:00.123Z")
    }

    @Test func aReaderThatDoesNotReadIsNotWaitedFor() async {
        await #expect(processExitsWith: .success) {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0, dup2(ends[1], STDERR_FILENO) == STDERR_FILENO else { exit(1) }
            let log = KeeperLog()
            for _ in 0..<10_000 {
                log.write(.info, "nobody reads this", ["a": "b"])
            }
            // Standard error itself stays as it was, for those who share it.
            guard fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK == 0 else { exit(2) }
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            guard read(ends[0], &bytes, bytes.count) > 0 else { exit(3) }
            log.write(.info, "now there is room")
            let count = read(ends[0], &bytes, bytes.count)
            let text = String(decoding: bytes[..<max(0, count)], as: UTF8.self)
            exit(text.contains("lines were lost count=") && text.contains("now there is room") ? 0 : 4)
        }
    }
}
