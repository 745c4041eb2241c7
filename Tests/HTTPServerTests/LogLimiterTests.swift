import Testing

@testable import HTTPServer

@Suite struct LogLimiterTests {
    @Test func aSecondsSurplusIsCountedAndTold() {
        var limiter = LogLimiter(linesPerSecond: 2)
        let start = SuspendingClock.now
        #expect(limiter.admit(at: start) == 0)
        #expect(limiter.admit(at: start + .milliseconds(1)) == 0)
        #expect(limiter.admit(at: start + .milliseconds(2)) == nil)
        #expect(limiter.admit(at: start + .milliseconds(999)) == nil)
        #expect(limiter.admit(at: start + .seconds(1)) == 2)
        #expect(limiter.admit(at: start + .seconds(1)) == 0)
        #expect(limiter.admit(at: start + .seconds(1)) == nil)
    }
}
