import Supervision
import Testing

@Suite struct TimeTests {
    @Test(
        arguments: [
            (0, 0), (999_999, 0), (1_000_000, 1), (1_795_341_600_123_999_999, 1_795_341_600_123),
            (-1, -1), (-1_000_000, -1), (-1_000_001, -2),
        ] as [(Int64, Int64)]
    )
    func millisecondsAreRoundedDown(nanoseconds: Int64, milliseconds: Int64) {
        #expect(Timestamp(nanosecondsSinceEpoch: nanoseconds).millisecondsSinceEpoch == milliseconds)
    }

    @Test func aTimestampIsAdvancedByADuration() {
        let time = Timestamp(nanosecondsSinceEpoch: 1_000)
        #expect(time.advanced(by: .nanoseconds(1)).nanosecondsSinceEpoch == 1_001)
        #expect(time.advanced(by: .seconds(-1)).nanosecondsSinceEpoch == 1_000 - 1_000_000_000)
    }

    @Test func aTimestampBeyondItsRangeIsTheLastOne() {
        let time = Timestamp(nanosecondsSinceEpoch: 1_795_341_600_123_456_789)
        #expect(time.advanced(by: .seconds(Int64.max)).nanosecondsSinceEpoch == .max)
        let past = Timestamp(nanosecondsSinceEpoch: -1_795_341_600_123_456_789)
        #expect(past.advanced(by: .seconds(Int64.min)).nanosecondsSinceEpoch == .min)
    }

    @Test func timestampsAreOrderedByTime() {
        #expect(Timestamp(nanosecondsSinceEpoch: -1) < Timestamp(nanosecondsSinceEpoch: 0))
        #expect(!(Timestamp(nanosecondsSinceEpoch: 1) < Timestamp(nanosecondsSinceEpoch: 1)))
    }

    @Test(
        arguments: [
            (.zero, 0),
            (.nanoseconds(1), 1),
            (.nanoseconds(-1), -1),
            (.milliseconds(1500), 1_500_000_000),
            (.milliseconds(-1500), -1_500_000_000),
            (Duration(secondsComponent: 0, attosecondsComponent: 999_999_999), 0),
            (Duration(secondsComponent: 0, attosecondsComponent: -999_999_999), 0),
            (.nanoseconds(Int64.max), .max),
            (.nanoseconds(Int64.min), .min),
            (.nanoseconds(Int64.max) + .nanoseconds(1), .max),
            (.nanoseconds(Int64.min) - .nanoseconds(1), .min),
            (.seconds(Int64.max), .max),
            (.seconds(Int64.min), .min),
        ] as [(Duration, Int64)]
    )
    func aDurationInNanosecondsSaturates(duration: Duration, nanoseconds: Int64) {
        #expect(duration.nanoseconds == nanoseconds)
    }

    @Test func aDurationInSecondsKeepsItsFraction() {
        #expect(Duration.milliseconds(300_333).seconds == 300.333)
        #expect(Duration.milliseconds(-250).seconds == -0.25)
        #expect(Duration.zero.seconds == 0)
    }
}
