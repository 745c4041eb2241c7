import Glibc
import LinuxSystem

/// A small tmpfs of the test's own. It needs mount(2), and so root with CAP_SYS_ADMIN.
public final class SmallDisk {
    public let path: String
    private let directory: TemporaryDirectory

    /// `nil` where it may not be mounted.
    public init?(size: String) throws {
        self.directory = try TemporaryDirectory()
        self.path = self.directory.file("disk")
        guard mkdir(self.path, 0o700) == 0 else { throw Errno.current }
        guard mount("tmpfs", self.path, "tmpfs", 0, "size=\(size)") == 0 else {
            print("skipped: a tmpfs cannot be mounted here: \(Errno.current)")
            return nil
        }
    }

    public func remount(readOnly: Bool) -> Bool {
        let readOnlyFlag: UInt = 1
        let remountFlag: UInt = 32
        return mount("tmpfs", self.path, "tmpfs", remountFlag | (readOnly ? readOnlyFlag : 0), nil) == 0
    }

    /// Takes all the room that is left.
    public func fill() throws {
        let number = open("\(self.path)/ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw Errno.current }
        let bytes = [UInt8](repeating: 1, count: 4096)
        while write(number, bytes, bytes.count) > 0 {}
        close(number)
    }

    public func free() {
        unlink("\(self.path)/ballast")
    }

    deinit {
        umount2(self.path, Int32(MNT_DETACH))
    }
}
