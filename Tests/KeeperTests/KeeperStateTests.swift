import TestSupport
import Testing

@testable import Keeper

/// What a keeper hands to the program that takes its place.
@Suite struct KeeperStateTests {
    @Test func itIsReadAsItWasWritten() throws {
        #expect(try keeperState(Samples.state.bytes) == Samples.state)
        var small = Samples.state
        small.agent = nil
        small.runs = []
        small.options.stateDirectory = nil
        small.options.binary = nil
        #expect(try keeperState(small.bytes) == small)
    }

    @Test func theDescriptorsThatMustStayOpenAreNamed() {
        #expect(Samples.state.descriptors == [5, 7, 8, 9, 10, 11])
    }

    @Test func everyPrefixIsRefused() {
        let bytes = Samples.state.bytes
        for length in 0..<bytes.count {
            #expect(throws: HandoverError.self) { try keeperState(Array(bytes[..<length])) }
        }
        #expect(throws: HandoverError.self) { try keeperState(bytes + [0]) }
    }

    @Test func everyByteInEveryValueIsRefusedOrRead() {
        let bytes = Samples.state.bytes
        for index in bytes.indices {
            var damaged = bytes
            for flip in 1...255 {
                damaged[index] = bytes[index] ^ UInt8(flip)
                let isRead = (try? keeperState(damaged)) != nil
                #expect(!isRead || index >= 10)
            }
        }
    }
}
