import TestSupport
import Testing

@testable import Keeper

/// What a keeper hands to the program that takes its place.
@Suite struct KeeperStateTests {
    @Test func itIsReadAsItWasWritten() throws {
        #expect(try keeperState(Samples.state.bytes) == Samples.state)
        var small = Samples.state
        small.agent = nil
        small.transit = []
        small.runs = []
        small.options.stateDirectory = nil
        small.options.binary = nil
        #expect(try keeperState(small.bytes) == small)
    }

    /// As a keeper of the first version writes it.
    @Test func oneWithoutTransitPipeAndBellIsReadToo() throws {
        var state = Samples.state
        state.transit = []
        state.agent = nil
        var bytes = state.bytes
        bytes[8] = 1
        // The flag that says that there is none.
        var writer = MessageWriter()
        writer.number(state.limits.openFiles)
        writer.number(state.limits.outOfMemoryScore)
        let limits = writer.written
        let start = try #require(
            bytes.indices.first { $0 + limits.count < bytes.count && Array(bytes[$0..<($0 + limits.count)]) == limits }
        )
        #expect(bytes.remove(at: start + limits.count) == 0)
        #expect(try keeperState(bytes) == state)
    }

    @Test func theDescriptorsThatMustStayOpenAreNamed() {
        #expect(Samples.state.descriptors == [5, 12, 13, 14, 7, 8, 15, 9, 10, 11])
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
