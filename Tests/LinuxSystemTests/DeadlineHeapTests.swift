import Testing

@testable import LinuxSystem

@Suite struct DeadlineHeapTests {
    /// A generator whose seed stands in the failure's message.
    struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state &+= 0x9e37_79b9_7f4a_7c15
            var z = self.state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func randomInsertionsAndCancellationsComeUpInOrder(seed: UInt64) {
        var random = SplitMix(state: seed)
        var heap = DeadlineHeap()
        let origin = SuspendingClock.now
        var live: [UInt64: SuspendingClock.Instant] = [:]
        var now = origin
        for number in 1...UInt64(2000) {
            let instant = now + .milliseconds(Int.random(in: 0...50, using: &random))
            heap.insert(.init(instant: instant, number: number))
            live[number] = instant
            if Int.random(in: 0..<3, using: &random) == 0, let victim = live.keys.sorted().first {
                live[victim] = nil
                heap.dropCancelled(live: live.count) { live[$0] != nil }
            }
            if Int.random(in: 0..<4, using: &random) == 0 {
                now += .milliseconds(Int.random(in: 0...20, using: &random))
                #expect(heap.earliest { live[$0] != nil } == live.values.min(), "seed \(seed)")
                var fired: [UInt64] = []
                while let due = heap.popDue(at: now) {
                    if live[due] != nil {
                        fired.append(due)
                    }
                }
                let expected = live.filter { $0.value <= now }
                    .sorted { ($0.value, $0.key) < ($1.value, $1.key) }
                    .map(\.key)
                #expect(fired == expected, "seed \(seed)")
                for number in fired {
                    live[number] = nil
                }
            }
        }
    }

    @Test func cancelledEntriesDoNotOutnumberTheLiveOnes() {
        var heap = DeadlineHeap()
        let instant = SuspendingClock.now
        for number in 1...UInt64(10_000) {
            heap.insert(.init(instant: instant, number: number))
            heap.dropCancelled(live: 1) { $0 == number }
        }
        var count = 0
        while heap.popDue(at: instant) != nil {
            count += 1
        }
        #expect(count <= 65)
    }
}
