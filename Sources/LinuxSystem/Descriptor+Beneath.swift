internal import CLinux
internal import Glibc

extension Descriptor {
    /// Opens `path` below `directory`, following no symbolic link on the way nor at its end: ELOOP, or ENOTDIR for one in
    /// the place of a directory. `path` is relative and has no `..`.
    ///
    /// The corresponding C function is `openat2` with `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS`; where it is missing (before
    /// Linux 5.6, or behind an older seccomp filter) each component is opened for itself with `O_NOFOLLOW`.
    ///
    /// - Parameter flags: those of open(2); O_CLOEXEC and O_NOFOLLOW are added.
    public static func open(
        _ path: String,
        beneath directory: Int32,
        _ flags: Int32,
        mode: UInt32 = 0
    ) throws(Errno) -> Descriptor {
        let flags = flags | O_CLOEXEC | O_NOFOLLOW
        do throws(Errno) {
            return Descriptor(owning: try systemCall("openat2") { cl_open_beneath(directory, path, flags, mode) })
        } catch {
            guard error.rawValue == ENOSYS || error.rawValue == EPERM else { throw error }
            return try self.openStepwise(path, beneath: directory, flags, mode: mode)
        }
    }

    /// The same without openat2.
    static func openStepwise(
        _ path: String,
        beneath directory: Int32,
        _ flags: Int32,
        mode: UInt32
    ) throws(Errno) -> Descriptor {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: { $0.isEmpty || $0 == ".." }) else { throw Errno(rawValue: EXDEV) }
        let flags = flags | O_CLOEXEC | O_NOFOLLOW
        var above = directory
        defer {
            if above != directory {
                Glibc.close(above)
            }
        }
        for part in parts.dropLast() {
            let parent = above
            let next = try systemCall("openat") {
                openat(parent, String(part), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
            }
            if above != directory {
                Glibc.close(above)
            }
            above = next
        }
        let parent = above
        let name = parts.last.map(String.init) ?? ""
        return Descriptor(owning: try systemCall("openat") { openat(parent, name, flags, mode) })
    }
}
