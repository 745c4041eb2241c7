import CLinux
import Glibc
import LinuxSystem

/// The keeper's lines on standard error, in the form of the agent's log. Never waits for a reader: what cannot be written is
/// lost, and counted.
final class KeeperLog {
    private let descriptor: Int32
    private let isOwn: Bool
    private let isSocket: Bool
    private var lost = 0

    enum Level: String {
        case info, notice, warning, error
    }

    init() {
        var status = stat()
        let type = fstat(STDERR_FILENO, &status) == 0 ? status.st_mode & S_IFMT : 0
        self.isSocket = type == S_IFSOCK
        // Opened once more, a pipe or terminal can be written to without waiting, and stays as it is for everybody else. A
        // regular file keeps its one position.
        let again =
            type == S_IFIFO || type == S_IFCHR
            ? open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1
        self.isOwn = again >= 0
        self.descriptor = again >= 0 ? again : STDERR_FILENO
    }

    deinit {
        if self.isOwn {
            Glibc.close(self.descriptor)
        }
    }

    /// Writes a line: a fixed message, then names and values.
    func write(_ level: Level, _ message: String, _ values: KeyValuePairs<String, String> = [:]) {
        if self.lost > 0, self.put(Self.line(.warning, "lines were lost", ["count": "\(self.lost)"])) {
            self.lost = 0
        }
        if !self.put(Self.line(level, message, values)) {
            self.lost += 1
        }
    }

    private func put(_ line: String) -> Bool {
        var line = line
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        return line.withUTF8 { bytes in
            if self.isSocket {
                return send(STDERR_FILENO, bytes.baseAddress, bytes.count, flags) == bytes.count
            }
            return Glibc.write(self.descriptor, bytes.baseAddress, bytes.count) == bytes.count
        }
    }

    static func line(_ level: Level, _ message: String, _ values: KeyValuePairs<String, String>) -> String {
        var line = "\(Self.timestamp(WallClock.nanosecondsSinceEpoch)) \(level.rawValue) keeper: \(message)"
        for (name, value) in values {
            let isPlain = value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") }
            line += isPlain && !value.isEmpty ? " \(name)=\(value)" : " \(name)=\"\(Self.escaped(value))\""
        }
        return line + "\n"
    }

    private static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f: text += " "
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// RFC 3339 in UTC with milliseconds.
    static func timestamp(_ nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var fields = tm()
        gmtime_r(&seconds, &fields)
        let date = [fields.tm_year + 1900, fields.tm_mon + 1, fields.tm_mday].map { Self.padded(Int($0), 2) }
        let time = [fields.tm_hour, fields.tm_min, fields.tm_sec].map { Self.padded(Int($0), 2) }
        let milliseconds = Self.padded(Int(nanoseconds / 1_000_000 % 1000), 3)
        return "\(date.joined(separator: "-"))T\(time.joined(separator: ":")).\(milliseconds)Z"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
