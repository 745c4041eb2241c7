/// The value that wait(2) stores, decoded as the macros of `<sys/wait.h>` do.
public struct WaitStatus: Hashable, Sendable, RawRepresentable {
    public let rawValue: Int32

    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The status of a process that called `_exit(code)`; only the low eight bits of `code` reach the parent.
    public init(exitCode code: Int32) {
        self.rawValue = (code & 0xff) << 8
    }

    /// The status of a process that `signal` ended.
    public init(signal: Signal, coreDumped: Bool = false) {
        self.rawValue = signal.number & 0x7f | (coreDumped ? 0x80 : 0)
    }

    /// How the process changed its state.
    public enum Kind: Hashable, Sendable {
        /// WIFEXITED: it returned from main or called exit; WEXITSTATUS.
        case exited(code: Int32)
        /// WIFSIGNALED: a signal ended it; WTERMSIG and WCOREDUMP.
        case signaled(Signal, coreDumped: Bool)
        /// WIFSTOPPED: it lives and is stopped; WSTOPSIG.
        case stopped(Signal)
        /// WIFCONTINUED: it lives and goes on.
        case continued
        /// No macro of `<sys/wait.h>` is true for it.
        case invalid
    }

    public var kind: Kind {
        let low = self.rawValue & 0x7f
        // The order of the C macros: WIFCONTINUED compares the whole value, WIFSTOPPED the low byte.
        if self.rawValue == 0xffff {
            return .continued
        }
        if low == 0 {
            return .exited(code: self.rawValue >> 8 & 0xff)
        }
        if self.rawValue & 0xff == 0x7f {
            return .stopped(Signal(self.rawValue >> 8 & 0xff))
        }
        if low != 0x7f {
            return .signaled(Signal(low), coreDumped: self.rawValue & 0x80 != 0)
        }
        return .invalid
    }

    /// The exit code when the process exited by itself, else `nil`: a number is never invented.
    public var exitCode: Int32? {
        if case .exited(let code) = self.kind { code } else { nil }
    }

    /// The signal that ended the process, else `nil`.
    public var signal: Signal? {
        if case .signaled(let signal, _) = self.kind { signal } else { nil }
    }

    /// WCOREDUMP, and only for a process that a signal ended.
    public var coreDumped: Bool {
        if case .signaled(_, let dumped) = self.kind { dumped } else { false }
    }
}
