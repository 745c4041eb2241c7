import Glibc
import Supervision
import Testing

/// Random schedules against a model that rejects what is illegal. The seed is printed; REEVE_SEED=… makes the same
/// schedules again, and REEVE_SCHEDULE=… only the one with that number.
@Suite struct ScheduleTests {
    static let count = 10_000
    /// The schedules are cut into parts, so that all processors have some.
    static let parts = 8

    static let seed: UInt64 = {
        let seed = Self.number("REEVE_SEED") ?? UInt64.random(in: 0...UInt64(UInt32.max))
        print("Schedules of seed \(seed); REEVE_SEED=\(seed) makes them again.")
        return seed
    }()

    @Test(arguments: 0..<Self.parts)
    func randomSchedulesAreLegalAndEnd(part: Int) {
        let only = Self.number("REEVE_SCHEDULE").map { Int($0) }
        for number in stride(from: part, to: Self.count, by: Self.parts) where only == nil || only == number {
            var schedule = Schedule(seed: Self.seed &+ UInt64(number) &* 0x9e37_79b9_7f4a_7c15)
            do throws(Violation) {
                try schedule.run()
            } catch {
                Issue.record(
                    """
                    REEVE_SEED=\(Self.seed) REEVE_SCHEDULE=\(number): \(error)
                    \(schedule.harness.story(of: 30))
                    """
                )
                return
            }
        }
    }

    private static func number(_ variable: String) -> UInt64? {
        getenv(variable).flatMap { UInt64(String(cString: $0)) }
    }
}
