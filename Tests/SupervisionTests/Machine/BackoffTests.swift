import Supervision
import Testing

@Suite struct BackoffTests {
    private func delay(_ policy: BackoffPolicy, _ n: Int, seed: UInt64 = 1) -> Duration {
        var randomness = Randomness(seed: seed)
        return policy.delay(beforeRestart: n, using: &randomness)
    }

    @Test(
        arguments: [
            (0, 0), (1, 0), (2, 100), (3, 200), (4, 400), (5, 800), (6, 1600), (7, 3200), (8, 6400), (9, 12800),
            (10, 25600), (11, 30000), (12, 30000), (1000, 30000), (Int.max, 30000),
        ] as [(Int, Int)]
    )
    func theDelayFollowsTheFormula(restart: Int, milliseconds: Int) {
        #expect(self.delay(BackoffPolicy(jitter: 0), restart) == .milliseconds(milliseconds))
    }

    @Test func aFactorOfOneIsAConstantDelay() {
        let policy = BackoffPolicy(initial: .seconds(3), factor: 1, jitter: 0)
        for restart in [2, 3, 50, Int.max] {
            #expect(self.delay(policy, restart) == .seconds(3))
        }
    }

    @Test func theMaximumBindsTheFirstDelayToo() {
        #expect(self.delay(BackoffPolicy(initial: .seconds(60), max: .seconds(5), jitter: 0), 2) == .seconds(5))
    }

    /// Zero times a power that does not fit is not a number, and may not become a delay.
    @Test(arguments: [2, 3, 100, 1026, 1027, 5000, Int.max])
    func anInitialDelayOfZeroStaysZeroForEver(restart: Int) {
        #expect(self.delay(BackoffPolicy(initial: .zero, factor: 2, jitter: 0.1), restart) == .zero)
    }

    @Test func theLongestDurationsOfAConfigurationDoNotOverflow() {
        let policy = BackoffPolicy(
            initial: DurationText.maximum,
            factor: 1e300,
            max: DurationText.maximum,
            jitter: 1
        )
        for seed in 0..<100 as Range<UInt64> {
            let delay = self.delay(policy, 50, seed: seed)
            #expect(delay >= .zero && delay <= DurationText.maximum * 2)
        }
    }

    @Test func jitterStaysWithinItsShareAndReachesBothSides() {
        var randomness = Randomness(seed: 7)
        let policy = BackoffPolicy(initial: .seconds(1), jitter: 0.1)
        var least = Duration.seconds(100)
        var most = Duration.zero
        for _ in 0..<2000 {
            let delay = policy.delay(beforeRestart: 2, using: &randomness)
            least = min(least, delay)
            most = max(most, delay)
        }
        #expect(least >= .milliseconds(900) && least < .milliseconds(902))
        #expect(most <= .milliseconds(1100) && most > .milliseconds(1098))
    }

    @Test func theSameSeedGivesTheSameDelay() {
        let policy = BackoffPolicy(jitter: 0.5)
        #expect(self.delay(policy, 5, seed: 3) == self.delay(policy, 5, seed: 3))
        #expect(self.delay(policy, 5, seed: 3) != self.delay(policy, 5, seed: 4))
    }
}
