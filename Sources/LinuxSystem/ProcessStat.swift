/// One line of `/proc/<pid>/stat` (proc_pid_stat(5)), the parts that tell where a process belongs.
public struct ProcessStat: Hashable, Sendable {
    public var pid: Int32
    public var parent: Int32
    public var group: Int32
    public var session: Int32
    /// The letter of the state, such as `R`, `S` or `Z`.
    public var state: UInt8
    /// Of the whole process.
    public var threads: Int32
    /// In clock ticks (10 ms) since boot. With `pid` it tells processes apart, but not two of the same tick.
    public var startTime: UInt64

    /// Whether the process has ended. The state is the first thread's: one that ended before the others looks like a
    /// zombie, and then there are more threads.
    public var hasEnded: Bool {
        (self.state == UInt8(ascii: "Z") && self.threads <= 1) || self.state == UInt8(ascii: "X")
    }

    /// Whether `other`, read later under the same number, is this process: it started in the same tick and stands in the
    /// same place. A stranger who took the number over could agree in all of this only as a member of the same group.
    public func isSameProcess(as other: ProcessStat) -> Bool {
        self.pid == other.pid && self.startTime == other.startTime && self.session == other.session
            && self.group == other.group
    }

    /// Reads the line; `nil` for anything else. The name, which stands in parentheses, may hold blanks and parentheses, so
    /// what follows begins after the last one.
    init?(parsing line: Span<UInt8>) {
        var end = line.count - 1
        while end >= 0, line[end] != UInt8(ascii: ")") {
            end -= 1
        }
        guard end > 0 else { return nil }
        var numbers = DecimalScanner(at: 0)
        guard let pid = numbers.next(in: line) else { return nil }
        numbers.position = end + 1
        guard let state = numbers.nextLetter(in: line) else { return nil }
        // Fields 4 to 22: ppid, pgrp, session, tty_nr, …, num_threads (20), itrealvalue, starttime.
        var fields: (parent: Int64, group: Int64, session: Int64, threads: Int64, start: Int64) = (0, 0, 0, 0, 0)
        for field in 4...22 {
            guard let number = numbers.next(in: line) else { return nil }
            switch field {
            case 4: fields.parent = number
            case 5: fields.group = number
            case 6: fields.session = number
            case 20: fields.threads = number
            case 22: fields.start = number
            default: break
            }
        }
        self.pid = Int32(truncatingIfNeeded: pid)
        self.parent = Int32(truncatingIfNeeded: fields.parent)
        self.group = Int32(truncatingIfNeeded: fields.group)
        self.session = Int32(truncatingIfNeeded: fields.session)
        self.state = state
        self.threads = Int32(truncatingIfNeeded: fields.threads)
        self.startTime = UInt64(bitPattern: fields.start)
    }
}
