public import LinuxSystem

/// Why output cannot be written or read: a sentence that begins with "cannot" and names the path.
public struct OutputFailure: Error, Equatable, Sendable, CustomStringConvertible {
    public let message: String
    /// What the system said, `nil` when it was refused here.
    public let errno: Errno?

    init(_ message: String, _ errno: Errno? = nil) {
        self.message = errno.map { "\(message): \($0)" } ?? message
        self.errno = errno
    }

    public var description: String {
        self.message
    }
}
