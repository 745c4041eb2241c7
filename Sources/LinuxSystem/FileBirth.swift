internal import CLinux

/// When a file or directory was made, as its file system keeps it: `stx_btime` of statx(2), in the time of the wall clock.
public struct FileBirth: Equatable, Sendable {
    /// Since 1970 in UTC.
    public var seconds: Int64
    /// Below a second.
    public var nanoseconds: UInt32

    /// `nil` when there is no such file, or its file system does not keep that.
    public init?(path: String) {
        self.seconds = 0
        self.nanoseconds = 0
        guard cl_birth(path, &self.seconds, &self.nanoseconds) == 1 else { return nil }
    }
}
