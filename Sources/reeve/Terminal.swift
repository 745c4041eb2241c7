import Glibc

/// Standard output and standard error.
enum Terminal {
    /// Whether standard output is a terminal.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// In characters; `nil` when output goes to a file or a pipe, where nothing is to be cut off.
    static var width: Int? {
        guard self.isTerminal else { return nil }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Coloured on a terminal, unless NO_COLOR is set (no-color.org) or the terminal can do nothing.
    static var style: TextStyle {
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }
        }
        let isUnwanted = variable("NO_COLOR").map { !$0.isEmpty } ?? false
        return TextStyle(isColored: self.isTerminal && !isUnwanted && variable("TERM") != "dumb")
    }

    /// Writes to standard output. `false` when nobody reads any more, which is not an error: `reeve exits | head`.
    @discardableResult
    static func write(_ text: String) throws(CommandFailure) -> Bool {
        try self.write(Array(text.utf8))
    }

    @discardableResult
    static func write(_ bytes: [UInt8]) throws(CommandFailure) -> Bool {
        switch self.writeAll(bytes, to: STDOUT_FILENO) {
        case 0: return true
        case EPIPE: return false
        case let number:
            throw CommandFailure(.unreachable, "cannot write the output: \(String(cString: strerror(number)))")
        }
    }

    /// Says something on standard error, with the program's name before it.
    static func complain(_ message: String) {
        _ = self.writeAll(Array("reeve: \(message)\n".utf8), to: STDERR_FILENO)
    }

    /// A further line of what was complained about.
    static func explain(_ line: String) {
        _ = self.writeAll(Array("\(line)\n".utf8), to: STDERR_FILENO)
    }

    /// 0 or the number of an error (errno(3)).
    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                let number = errno
                guard number == EINTR else { return number }
            } else {
                offset += count
            }
        }
        return 0
    }
}
