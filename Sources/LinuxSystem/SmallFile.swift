internal import Glibc

/// Reading a file of the kernel whole.
public enum SmallFile {
    private static let maximumSize = 4 << 20

    /// The text of a file; `nil` when it cannot be read.
    public static func text(_ path: String) -> String? {
        guard let file = try? Descriptor.open(path, O_RDONLY) else { return nil }
        let number = file.rawValue
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        var count = read(number, &chunk, chunk.count)
        while count > 0, bytes.count < Self.maximumSize {
            bytes += chunk[..<count]
            count = read(number, &chunk, chunk.count)
        }
        file.close()
        return count < 0 ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
