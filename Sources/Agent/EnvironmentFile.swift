import Glibc
import LinuxSystem
import Supervision

/// The file of `environment_file`: lines of `NAME=value`, with `#` comments, an optional `export` before the name, and
/// single or double quotes around the value. In double quotes `\n`, `\"`, `\\` and `\$` are what they are in a shell;
/// nothing is expanded.
enum EnvironmentFile {
    /// A larger file is refused, in bytes.
    static let maximumSize = 1 << 20

    static func read(_ path: String) throws(StartError) -> [EnvironmentEntry] {
        var bytes = [UInt8](repeating: 0, count: Self.maximumSize + 1)
        var count = 0
        do throws(Errno) {
            let file = try systemCall("open") { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
            defer { close(file) }
            var info = stat()
            try systemCall("fstat") { fstat(file, &info) }
            // A FIFO would read as empty, and hang where it is opened for waiting.
            guard info.st_mode & S_IFMT == S_IFREG else { throw Errno(rawValue: EINVAL) }
            while count < bytes.count {
                let got = try systemCall("read") {
                    bytes[count...].withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
                }
                guard got > 0 else { break }
                count += got
            }
        } catch {
            let what = error.rawValue == EINVAL ? "it is no regular file" : "\(error)"
            throw Self.failure(error, "cannot read the environment file \(path): \(what)")
        }
        guard count <= Self.maximumSize else {
            throw Self.failure(Errno(rawValue: EFBIG), "the environment file \(path) is larger than 1 MiB")
        }
        return try Self.parse(String(decoding: bytes[..<count], as: UTF8.self), path: path)
    }

    static func parse(_ text: String, path: String) throws(StartError) -> [EnvironmentEntry] {
        var entries: [EnvironmentEntry] = []
        var number = 0
        // To Swift the two bytes of a DOS line end are one character.
        for rawLine in text.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" }) {
            number += 1
            var line = Self.trimmed(rawLine)
            guard let first = line.first, first != "#" else { continue }
            if line.hasPrefix("export ") {
                line = Self.trimmed(line.dropFirst(7))
            }
            guard let equals = line.firstIndex(of: "="), Self.isName(line[..<equals]) else {
                throw Self.failure(
                    Errno(rawValue: EINVAL),
                    "\(path):\(number): expected NAME=value, found \"\(line.prefix(40))\""
                )
            }
            guard let value = Self.unquoted(Self.trimmed(line[line.index(after: equals)...])) else {
                throw Self.failure(Errno(rawValue: EINVAL), "\(path):\(number): the quote is not closed")
            }
            entries.append(EnvironmentEntry(name: String(line[..<equals]), value: value))
        }
        return entries
    }

    private static func unquoted(_ value: Substring) -> String? {
        guard let quote = value.first, quote == "\"" || quote == "'" else { return String(value) }
        var result = ""
        var rest = value.dropFirst()
        while let character = rest.popFirst() {
            if character == quote {
                return rest.isEmpty || Self.trimmed(rest).first == "#" ? result : nil
            }
            guard character == "\\", quote == "\"", let escaped = rest.popFirst() else {
                result.append(character)
                continue
            }
            switch escaped {
            case "n": result.append("\n")
            case "\"", "\\", "$", "`": result.append(escaped)
            default:
                result.append("\\")
                result.append(escaped)
            }
        }
        return nil
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, first < UInt8(ascii: "0") || first > UInt8(ascii: "9") else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    private static func trimmed(_ text: some StringProtocol) -> Substring {
        var text = Substring(text)
        while let first = text.first, first == " " || first == "\t" || first == "\r" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" || last == "\r" { text.removeLast() }
        return text
    }

    private static func failure(_ errno: Errno, _ message: String) -> StartError {
        StartError(stage: "environment_file", errno: errno.rawValue, errnoName: errno.name, message: message)
    }
}
