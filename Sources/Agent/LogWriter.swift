import Glibc
import LinuxSystem
import Synchronization

/// Writes the agent's log to standard error on a thread of its own, so that a reader who does not read holds up nobody.
/// What comes while `limit` lines wait is dropped, counted, and told when there is room again.
final class LogWriter: Sendable {
    /// Lines that may wait at once; a batch that was begun below it is taken as a whole.
    static let limit = 10_000

    private let loop: EventLoop
    private let descriptor: Int32
    private let waiting = Atomic<Int>(0)
    private let dropped = Atomic<Int>(0)

    init(descriptor: Int32 = STDERR_FILENO) throws(Errno) {
        self.loop = try EventLoop(name: "log")
        self.descriptor = descriptor
        self.loop.start(inBackground: true)
    }

    /// Writes one line, given without its newline: at once on the log's own thread, else in its turn.
    func write(_ line: String) {
        if self.loop.isCurrent {
            self.put(line + "\n")
        } else {
            self.enqueue { self.put(line + "\n") }
        }
    }

    /// Does `work`, which writes `lines` lines, on the log's own thread.
    func enqueue(lines: Int = 1, _ work: @escaping @Sendable () -> Void) {
        guard self.waiting.load(ordering: .relaxed) < Self.limit else {
            self.dropped.add(lines, ordering: .relaxed)
            return
        }
        self.waiting.add(lines, ordering: .relaxed)
        self.loop.execute { [self] in
            work()
            self.waiting.subtract(lines, ordering: .releasing)
            if self.waiting.load(ordering: .relaxed) == 0 {
                let lost = self.dropped.exchange(0, ordering: .relaxed)
                if lost > 0 {
                    self.put("\(lost) log lines were dropped, because nobody read them in time\n")
                }
            }
        }
    }

    /// Waits until everything is written, at most about a second; for the end of the program.
    func flush() {
        var pauses = 0
        while self.waiting.load(ordering: .acquiring) > 0, pauses < 100 {
            usleep(10_000)
            pauses += 1
        }
    }

    private func put(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(self.descriptor, rest.baseAddress, rest.count)
                if count < 0 {
                    if errno == EINTR { continue }
                    // EAGAIN of a non-blocking terminal, EPIPE of a reader that has gone: there is nobody to tell.
                    return
                }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
