import Supervision
import Testing

@Suite struct UUIDv7Tests {
    /// 2026-11-22T10:00:00.123Z
    private static let time = Timestamp(nanosecondsSinceEpoch: 1_795_341_600_123_456_789)

    @Test func theFirstFortyEightBitsAreTheMilliseconds() {
        var generator = ConstantGenerator(word: 0)
        let id = UUIDv7(at: Self.time, using: &generator)
        #expect(id.high >> 16 == 1_795_341_600_123)
        #expect(id.description == "01a202b2-c57b-774f-8000-000000000000")
    }

    @Test(arguments: [UInt64.min, UInt64.max, 0x5555_5555_5555_5555, 0xaaaa_aaaa_aaaa_aaaa])
    func versionAndVariantStandWhateverTheGeneratorGives(word: UInt64) {
        var generator = ConstantGenerator(word: word)
        let id = UUIDv7(at: Self.time, using: &generator)
        #expect(id.high >> 12 & 0xf == 7)
        #expect(id.low >> 62 == 0b10)
        #expect(id.high >> 16 == 1_795_341_600_123)
        let characters = Array(id.description)
        #expect(characters[14] == "7")
        #expect("89ab".contains(characters[19]))
    }

    @Test func allBitsBehindTheTimeComeFromTheGenerator() {
        var ones = ConstantGenerator(word: .max)
        var zeros = ConstantGenerator(word: 0)
        let full = UUIDv7(at: Self.time, using: &ones)
        let empty = UUIDv7(at: Self.time, using: &zeros)
        #expect((full.high ^ empty.high).nonzeroBitCount + (full.low ^ empty.low).nonzeroBitCount == 62)
    }

    @Test func idsSortByAgeAsValuesAndAsTexts() {
        var generator = SystemRandomNumberGenerator()
        var last: UUIDv7?
        for step in Int64(0)..<1000 {
            let time = Timestamp(nanosecondsSinceEpoch: Self.time.nanosecondsSinceEpoch + step * 250)
            let id = UUIDv7(at: time, using: &generator)
            if let last {
                #expect(last < id)
                #expect(last.description < id.description)
            }
            last = id
        }
    }

    @Test func theRandomPartDecidesWithinAQuarterOfAMicrosecond() {
        let a = UUIDv7(high: 1, low: 2)
        #expect(a < UUIDv7(high: 1, low: 3))
        #expect(a < UUIDv7(high: 2, low: 0))
        #expect(!(a < a))
    }

    @Test func aTimeOutsideTheFortyEightBitsMakesNoOtherFieldWrong() {
        var generator = ConstantGenerator(word: 0)
        let before1970 = UUIDv7(at: Timestamp(nanosecondsSinceEpoch: .min), using: &generator)
        #expect(before1970.description == "00000000-0000-7000-8000-000000000000")
        let last = UUIDv7(at: Timestamp(nanosecondsSinceEpoch: .max), using: &generator)
        #expect(last.high >> 12 & 0xf == 7)
        #expect(last.high >> 16 == 9_223_372_036_854)
    }

    @Test func theTextIsReadBack() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<1000 {
            let id = UUIDv7(at: Self.time, using: &generator)
            #expect(UUIDv7(id.description) == id)
            #expect(UUIDv7(id.description.uppercased()) == id)
        }
        let known = UUIDv7("0190163D-8694-739b-aea5-966c26f8ad91")
        #expect(known == UUIDv7(high: 0x0190_163d_8694_739b, low: 0xaea5_966c_26f8_ad91))
        #expect(known?.description == "0190163d-8694-739b-aea5-966c26f8ad91")
    }

    @Test(arguments: [
        "",
        "-",
        "0190163d-8694-739b-aea5-966c26f8ad9",
        "0190163d-8694-739b-aea5-966c26f8ad911",
        "0190163d8694739baea5966c26f8ad91",
        "0190163d-8694-739b-aea5_966c26f8ad91",
        "0190163d-8694-739ba-ea5-966c26f8ad91",
        "0190163g-8694-739b-aea5-966c26f8ad91",
        "{0190163d-8694-739b-aea5-966c26f8ad91}",
        "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad91",
        " 0190163d-8694-739b-aea5-966c26f8ad91",
        "0190163d-8694-739b-aea5-966c26f8ad91\n",
        "0190163d-8694-739b-aea5-966c26f8ad9é",
        "----------------------------------------",
    ])
    func anotherTextIsNoID(text: String) {
        #expect(UUIDv7(text) == nil)
    }
}

/// Gives the same word for ever.
private struct ConstantGenerator: RandomNumberGenerator {
    var word: UInt64

    func next() -> UInt64 {
        self.word
    }
}
