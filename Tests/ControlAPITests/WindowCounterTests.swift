import Testing

@testable import ControlAPI

@Suite struct WindowCounterTests {
    private static func expire(_ counter: inout WindowCounter, at now: Int64) -> Bool {
        counter.expire(at: now)
    }

    @Test func aCountStaysForTheWindowAndAtMostASixtiethLonger() {
        for begin: Int64 in [0, 1, 500, 999, 1_000_123] {
            var counter = WindowCounter(milliseconds: 60_000)
            counter.add(1, at: begin)
            #expect(!Self.expire(&counter, at: begin + 60_000))
            #expect(counter.sum == 1)
            #expect(Self.expire(&counter, at: begin + 61_000))
            #expect(counter.sum == 0)
        }
    }

    @Test func itLeavesWhenItSaysSo() throws {
        var counter = WindowCounter(milliseconds: 60_000)
        #expect(counter.nextExpiry == nil)
        counter.add(3, at: 1500)
        counter.add(2, at: 20_000)
        let expiry = try #require(counter.nextExpiry)
        #expect(!Self.expire(&counter, at: expiry - 1))
        #expect(counter.sum == 5)
        #expect(Self.expire(&counter, at: expiry))
        #expect(counter.sum == 2)
        #expect(counter.nextExpiry == 81_000)
    }

    @Test func itStaysSmallHoweverOftenItCounts() {
        var counter = WindowCounter(milliseconds: 3_600_000)
        for second in 0..<100_000 {
            counter.add(1, at: Int64(second) * 1000)
        }
        #expect(counter.size <= 61)
        #expect((3600...3660).contains(counter.sum))
    }
}
