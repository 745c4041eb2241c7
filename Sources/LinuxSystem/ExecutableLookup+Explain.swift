internal import Glibc

extension ExecutableLookup {
    /// A sentence that says why `path` could not be executed, such as "cannot execute /x: its interpreter /no/such does
    /// not exist". It looks at the file again, so it may find that the cause is gone; then the plain words remain.
    public static func explainExecFailure(_ path: String, _ errno: Errno, directory: String? = nil) -> String {
        let place = Self.absolute(path, directory: directory)
        let plain = "cannot execute \(path): \(errno)"
        switch errno {
        case .noEntry:
            return Self.explainMissing(path, place, directory: directory) ?? plain
        case .accessDenied:
            return Self.explainDenied(path, place, directory: directory) ?? plain
        case .execFormat:
            guard let head = Self.head(of: place) else { return plain }
            if head.isEmpty {
                return "\(plain) (it is empty)"
            }
            return "\(plain) (it is no program for this machine; a script must begin with a line such as #!/bin/sh)"
        case .argumentListTooLong:
            return "\(plain) (the arguments and the environment together are too long)"
        case .textFileBusy:
            return "\(plain) (it is open for writing)"
        case .notADirectory:
            return "\(plain) (a part of the path before the last one is no directory)"
        default:
            return plain
        }
    }

    /// A file that is there and yet ENOENT: what is missing is the program that is to run it.
    private static func explainMissing(_ path: String, _ place: String, directory: String?) -> String? {
        guard FileKind(of: place) == .regular, let head = Self.head(of: place) else { return nil }
        if let interpreter = Self.interpreter(in: head) {
            if interpreter.utf8.last == UInt8(ascii: "\r") {
                let name = interpreter.dropLast()
                return "cannot execute \(path): its interpreter \(name) does not exist with a carriage return at the "
                    + "end (the file has the line ends of DOS)"
            }
            guard FileKind(of: Self.absolute(interpreter, directory: directory)) == nil else { return nil }
            return "cannot execute \(path): its interpreter \(interpreter) does not exist"
        }
        guard let loader = ELFLoader.path(of: place), FileKind(of: loader) == nil else { return nil }
        return "cannot execute \(path): its loader \(loader) does not exist (it was built for another system)"
    }

    private static func explainDenied(_ path: String, _ place: String, directory: String?) -> String? {
        let plain = "cannot execute \(path): \(Errno.accessDenied)"
        switch FileKind(of: place) {
        case .directory: return "\(plain) (it is a directory)"
        case .other: return "\(plain) (it is no regular file)"
        case nil: return nil
        case .regular: break
        }
        var status = stat()
        guard stat(place, &status) == 0 else { return nil }
        if status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH) == 0 {
            return "\(plain) (it has no execute permission; chmod +x)"
        }
        var system = statvfs()
        if statvfs(place, &system) == 0, system.f_flag & Self.noExec != 0 {
            return "\(plain) (its file system is mounted noexec)"
        }
        if let interpreter = Self.head(of: place).flatMap({ Self.interpreter(in: $0) }),
            faccessat(AT_FDCWD, Self.absolute(interpreter, directory: directory), X_OK, AT_EACCESS) != 0
        {
            return "\(plain) (its interpreter \(interpreter) may not be executed)"
        }
        return nil
    }

    /// ST_NOEXEC of statvfs(3), a GNU extension that Swift's Glibc module does not show.
    private static let noExec: UInt = 8

    /// The first bytes of a regular file, as many as the kernel looks at; `nil` when it cannot be read.
    private static func head(of path: String) -> [UInt8]? {
        // Non-blocking, because it may have become a FIFO meanwhile.
        guard let file = try? Descriptor.open(path, O_RDONLY | O_NONBLOCK) else { return nil }
        let number = file.rawValue
        let head = [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
            count = max(0, pread(number, buffer.baseAddress, 256, 0))
        }
        file.close()
        return head
    }

    /// The program that a first line `#!` names (execve(2)).
    static func interpreter(in head: [UInt8]) -> String? {
        guard head.starts(with: "#!".utf8) else { return nil }
        let blanks: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "\t")]
        let line = head.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }.drop { blanks.contains($0) }
        let name = line.prefix { !blanks.contains($0) && $0 != 0 }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }
}
