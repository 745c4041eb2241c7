import Testing

@testable import Keeper

@Suite struct RestartDelayTests {
    @Test func anAgentThatHadComeUpIsStartedAtOnceHoweverOftenItIsKilled() {
        var delay = RestartDelay()
        for _ in 0..<1000 {
            let end = RestartDelay.End(wasReady: true, lived: .milliseconds(150), wasKilled: true)
            #expect(delay.delay(after: end) == RestartDelay.spacing - .milliseconds(150))
        }
        #expect(delay.delay(after: RestartDelay.End(wasReady: true, lived: .seconds(1), wasKilled: true)) == .zero)
    }

    @Test func oneThatDoesNotComeUpIsStartedAtOnceAndThenWithAGrowingDelay() {
        var delay = RestartDelay()
        let end = RestartDelay.End(wasReady: false, lived: .seconds(1), wasKilled: false)
        let delays = (0..<10).map { _ in delay.delay(after: end) }
        let expected: [Duration] =
            [.zero] + [100, 200, 400, 800, 1600, 3200, 6400].map { .milliseconds($0) } + [.seconds(10), .seconds(10)]
        #expect(delays == expected)
    }

    @Test func oneThatCrashesSoonAfterItCameUpIsHeldBackToo() {
        var delay = RestartDelay()
        let crash = RestartDelay.End(wasReady: true, lived: .seconds(1), wasKilled: false)
        #expect((0..<4).map { _ in delay.delay(after: crash) } == [0, 100, 200, 400].map { .milliseconds($0) })
        // One that was well for a while begins anew.
        #expect(delay.delay(after: RestartDelay.End(wasReady: true, lived: .seconds(60), wasKilled: false)) == .zero)
        #expect(delay.failures == 0)
    }
}
