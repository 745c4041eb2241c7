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
    /// What wait(2) will store for a zombie; 0 for the others, and for whoever may not know.
    public var waitStatus: Int32
    /// It has the program of the process that created it: PF_FORKNOEXEC of `<linux/sched.h>`, which a zombie keeps.
    public var neverExecuted: Bool
    /// Where the environment lies in its memory; 0 and 0 when that is not told, as in the middle of an exec.
    var environmentStart: UInt64
    var environmentEnd: UInt64

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
        self.pid = Int32(truncatingIfNeeded: pid)
        self.state = state
        (self.parent, self.group, self.session, self.threads) = (0, 0, 0, 0)
        self.neverExecuted = false
        self.waitStatus = 0
        (self.startTime, self.environmentStart, self.environmentEnd) = (0, 0, 0)
        // Fields 4 to 52: ppid, pgrp, session, tty_nr, …, num_threads (20), itrealvalue, starttime, …, env_start (50), env_end,
        // exit_code.
        for field in 4...52 {
            guard let number = numbers.next(in: line) else {
                // Kernels before Linux 3.5 have fewer.
                guard field > 22 else { return nil }
                return
            }
            switch field {
            case 4: self.parent = Int32(truncatingIfNeeded: number)
            case 5: self.group = Int32(truncatingIfNeeded: number)
            case 6: self.session = Int32(truncatingIfNeeded: number)
            case 9: self.neverExecuted = number & 0x40 != 0
            case 20: self.threads = Int32(truncatingIfNeeded: number)
            case 22: self.startTime = UInt64(bitPattern: number)
            case 50: self.environmentStart = UInt64(bitPattern: number)
            case 51: self.environmentEnd = UInt64(bitPattern: number)
            case 52: self.waitStatus = Int32(truncatingIfNeeded: number)
            default: break
            }
        }
    }
}
