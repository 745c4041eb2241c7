internal import Glibc
internal import LinuxSystem
internal import Supervision

/// The clocks and the deadlines of the room, as its handler needs them: those of its loop, or ones that a test moves by
/// hand.
protocol ControlTimer: AnyObject {
    /// As it was when the present turn began.
    var now: Moment { get }

    /// As it is at this moment, to say how long something took.
    var exactNow: MonotonicInstant { get }

    /// Calls `action` once at `instant`; the result cancels it.
    func schedule(at instant: MonotonicInstant, _ action: @escaping () -> Void) -> () -> Void
}

final class LoopTimer: ControlTimer {
    private let loop: EventLoop

    init(_ loop: EventLoop) {
        self.loop = loop
    }

    var now: Moment {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Moment(
            monotonic: self.loop.now,
            wall: Timestamp(nanosecondsSinceEpoch: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
        )
    }

    var exactNow: MonotonicInstant {
        .now
    }

    func schedule(at instant: MonotonicInstant, _ action: @escaping () -> Void) -> () -> Void {
        let deadline = self.loop.schedule(at: instant, action)
        return { [loop] in loop.cancel(deadline) }
    }
}
