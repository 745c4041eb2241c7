import Supervision

@testable import ControlAPI

/// Clocks that a test moves by hand.
final class FakeTimer: ControlTimer {
    private(set) var now: Moment
    private var actions: [Int: (instant: MonotonicInstant, action: () -> Void)] = [:]
    private var nextNumber = 0

    init() {
        // 2026-11-22T10:00:00Z
        self.now = Moment(
            monotonic: SuspendingClock.now,
            wall: Timestamp(nanosecondsSinceEpoch: 1_795_341_600_000_000_000)
        )
    }

    var exactNow: MonotonicInstant {
        self.now.monotonic
    }

    var scheduled: Int {
        self.actions.count
    }

    func schedule(at instant: MonotonicInstant, _ action: @escaping () -> Void) -> () -> Void {
        let number = self.nextNumber
        self.nextNumber += 1
        self.actions[number] = (instant, action)
        return { [weak self] in self?.actions[number] = nil }
    }

    /// Moves both clocks, and calls what is due on the way, in order.
    func advance(by duration: Duration) {
        let end = self.now.monotonic.advanced(by: duration)
        let wallEnd = self.now.wall.advanced(by: duration)
        while let (number, due) = self.actions.min(by: { $0.value.instant < $1.value.instant }), due.instant <= end {
            self.actions[number] = nil
            self.now.monotonic = max(self.now.monotonic, due.instant)
            due.action()
        }
        self.now = Moment(monotonic: end, wall: wallEnd)
    }
}
