internal import Glibc

/// The dynamic loader that an ELF program asks for (elf(5), PT_INTERP). A missing one is why the kernel says "No such file
/// or directory" of a program that is there.
enum ELFLoader {
    private static let maximumHeaders = 64
    private static let maximumPath = 4096

    /// `nil` when the file is no 64-bit ELF program of this machine's byte order, or needs no loader.
    static func path(of file: String) -> String? {
        guard let opened = try? Descriptor.open(file, O_RDONLY | O_NONBLOCK) else { return nil }
        let number = opened.rawValue
        let path = Self.path(in: number)
        opened.close()
        return path
    }

    private static func path(in number: Int32) -> String? {
        guard let header = Self.read(number, count: 64, at: 0),
            header.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2])
        else { return nil }
        let offset: UInt64 = Self.value(header, at: 32)
        let size: UInt16 = Self.value(header, at: 54)
        let count: UInt16 = Self.value(header, at: 56)
        guard size >= 56, count <= Self.maximumHeaders else { return nil }
        for index in 0..<UInt64(count) {
            let (place, overflow) = offset.addingReportingOverflow(index * UInt64(size))
            guard !overflow, let program = Self.read(number, count: 56, at: place) else { return nil }
            let type: UInt32 = Self.value(program, at: 0)
            // PT_INTERP
            guard type == 3 else { continue }
            let start: UInt64 = Self.value(program, at: 8)
            let length: UInt64 = Self.value(program, at: 32)
            guard length <= Self.maximumPath, let text = Self.read(number, count: Int(length), at: start) else {
                return nil
            }
            return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        }
        return nil
    }

    private static func read(_ number: Int32, count: Int, at offset: UInt64) -> [UInt8]? {
        guard let offset = off_t(exactly: offset) else { return nil }
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(number, buffer.baseAddress, count, offset))
        }
        return bytes.count == count ? bytes : nil
    }

    private static func value<Value: FixedWidthInteger & BitwiseCopyable>(_ bytes: [UInt8], at offset: Int) -> Value {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
    }
}
