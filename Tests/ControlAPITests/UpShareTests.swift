import Testing

@testable import ControlAPI

@Suite struct UpShareTests {
    private static let hour: Int64 = 3_600_000

    private static func value(_ share: inout UpShare, _ now: Int64) -> Double? {
        share.value(at: now)
    }

    @Test func thereIsNoShareOfNoTime() {
        var share = UpShare(since: 1234)
        #expect(Self.value(&share, 1234) == nil)
        share.note(isUp: true, at: 1234)
        #expect(Self.value(&share, 1235) == 1)
    }

    @Test func itIsTheTimeUpOfTheTimeKnown() {
        var share = UpShare(since: 100)
        share.note(isUp: true, at: 100 + Self.hour)
        share.note(isUp: false, at: 100 + 2 * Self.hour)
        #expect(Self.value(&share, 100 + 2 * Self.hour) == 0.5)
        #expect(Self.value(&share, 100 + 4 * Self.hour) == 0.25)
    }

    @Test func whatIsOlderThanADayIsForgotten() {
        var share = UpShare(since: 0)
        share.note(isUp: true, at: 10 * Self.hour)
        #expect(Self.value(&share, 20 * Self.hour) == 0.5)
        #expect(Self.value(&share, 34 * Self.hour) == 1)
        share.note(isUp: false, at: 34 * Self.hour)
        #expect(Self.value(&share, 58 * Self.hour) == 0)
        // Far beyond the window, and exactly at the edge of a bucket.
        share.note(isUp: true, at: 1000 * Self.hour)
        // 12 of 23.5 hours: the window begins with a bucket.
        #expect(Self.value(&share, 1012 * Self.hour) == 0.5106)
    }

    @Test func whatWasBeforeIsPutInFront() {
        var past = UpShare(since: 0)
        past.note(isUp: true, at: Self.hour)
        past.note(isUp: false, at: 2 * Self.hour)
        past.note(isUp: true, at: 3 * Self.hour)
        var share = UpShare(since: 5 * Self.hour)
        share.note(isUp: true, at: 5 * Self.hour)
        var lived = share
        share.precede(by: past, livedOn: false)
        #expect(Self.value(&share, 6 * Self.hour) == 0.3333)
        lived.precede(by: past, livedOn: true)
        #expect(Self.value(&lived, 6 * Self.hour) == 0.6666)
        #expect(Self.value(&lived, 8 * Self.hour) == 0.75)
    }

    @Test func onlyWhatWasNeverDownHasOne() {
        var share = UpShare(since: 0)
        share.note(isUp: true, at: 1)
        #expect(Self.value(&share, 23 * Self.hour) == 0.9999)
    }

    @Test func itAgreesWithAPlainSum() throws {
        var generator = SystemRandomNumberGenerator()
        let seed = generator.next()
        var state = seed | 1
        func random(_ bound: Int64) -> Int64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int64(state % UInt64(bound))
        }
        let begin = random(100_000_000)
        var share = UpShare(since: begin)
        var log: [(at: Int64, isUp: Bool)] = [(begin, false)]
        var now = begin
        for _ in 0..<500 {
            now += random(1_200_000)
            let isUp = random(2) == 0
            share.note(isUp: isUp, at: now)
            log.append((now, isUp))
            let start = max(begin, (now / UpShare.width - 47) * UpShare.width)
            guard now > start else { continue }
            var up: Int64 = 0
            for (entry, next) in zip(log, log.dropFirst()) where entry.isUp {
                up += max(0, next.at - max(entry.at, start))
            }
            let expected = (Double(up) / Double(now - start) * 10_000).rounded(.down) / 10_000
            try #require(Self.value(&share, now) == expected, "seed \(seed), at \(now - begin)")
        }
    }
}
