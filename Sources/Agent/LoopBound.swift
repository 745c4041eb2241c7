import LinuxSystem

/// Carries a value that belongs to one loop through a place where it only waits, such as a job on another thread that
/// reports back. Taking it out anywhere but on that loop traps.
//
// Unchecked: `value` is only touched on the loop's thread, and `take` makes sure of that.
struct LoopBound<Value>: @unchecked Sendable {
    private let value: Value
    private let loop: EventLoop

    init(_ value: Value, to loop: EventLoop) {
        self.value = value
        self.loop = loop
    }

    func take() -> Value {
        self.loop.checkIsolated()
        return self.value
    }
}
