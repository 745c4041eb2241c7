/// A signal by its number on Linux (signal(7), the numbers of x86-64 and arm64).
public struct Signal: Hashable, Comparable, Sendable {
    public let number: Int32

    public init(_ number: Int32) {
        self.number = number
    }

    public static let hangup = Signal(1)
    public static let interrupt = Signal(2)
    public static let quit = Signal(3)
    public static let abort = Signal(6)
    public static let kill = Signal(9)
    public static let segmentationViolation = Signal(11)
    public static let terminate = Signal(15)
    public static let `continue` = Signal(18)

    /// SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS: what a program that goes wrong by
    /// itself ends with. Their default action is a core dump (signal(7)); SIGQUIT, which a person sends, is not one of them.
    public var isFault: Bool {
        switch self.number {
        case 4, 5, 6, 7, 8, 11, 24, 25, 31: true
        default: false
        }
    }

    public static func < (a: Signal, b: Signal) -> Bool {
        a.number < b.number
    }

    /// The numbers that a process can be sent on Linux: 1 to 64 without 32 and 33, which glibc keeps for itself.
    public var isValid: Bool {
        (1...64).contains(self.number) && self.number != 32 && self.number != 33
    }

    private static let names: [String] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ]

    private static let synonyms: [String: Int32] = ["IOT": 6, "CLD": 17, "POLL": 29]
}

extension Signal: CustomStringConvertible {
    /// The name with its prefix, such as `SIGTERM`, `SIGRTMIN+3` or, for a number without a name, `SIG32`.
    public var description: String {
        switch self.number {
        case 1...31: "SIG" + Self.names[Int(self.number) - 1]
        case 34: "SIGRTMIN"
        case 35...64: "SIGRTMIN+\(self.number - 34)"
        default: "SIG\(self.number)"
        }
    }

    /// Reads `TERM`, `SIGTERM`, `term`, `15`, `RTMIN+3` or `RTMAX-1`; `nil` for what cannot be sent.
    public init?(name: String) {
        // Unicode has letters whose upper case is ASCII, and Swift reads numbers with a sign; neither is a signal's name.
        guard name.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        if let number = Self.number(name[...]) {
            self.init(number)
        } else {
            let upper = name.uppercased()
            let bare = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
            if let index = Self.names.firstIndex(of: bare) {
                self.init(Int32(index) + 1)
            } else if let number = Self.synonyms[bare] {
                self.init(number)
            } else if bare == "RTMIN" {
                self.init(34)
            } else if bare == "RTMAX" {
                self.init(64)
            } else if bare.hasPrefix("RTMIN+"), let offset = Self.number(bare.dropFirst(6)) {
                self.init(34 &+ offset)
            } else if bare.hasPrefix("RTMAX-"), let offset = Self.number(bare.dropFirst(6)) {
                self.init(64 &- offset)
                guard self.number >= 34 else { return nil }
            } else {
                return nil
            }
        }
        guard self.isValid else { return nil }
    }

    /// The value of a text of one or more decimal digits, and of no other.
    private static func number(_ digits: Substring) -> Int32? {
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int32(digits)
    }
}
