internal import CLinux
internal import Glibc

/// A value of errno(3).
public struct Errno: Error, Hashable, Sendable, RawRepresentable {
    public let rawValue: Int32

    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The calling thread's errno; read it before anything else is called.
    public static var current: Errno {
        Errno(rawValue: Glibc.errno)
    }

    /// The symbolic name, such as `ENOENT`.
    public var name: String {
        cl_errno_name(self.rawValue).map { String(cString: $0) } ?? "E\(self.rawValue)"
    }
}

extension Errno: CustomStringConvertible {
    /// The sentence of strerror(3), such as "No such file or directory".
    public var description: String {
        String(cString: cl_errno_description(self.rawValue))
    }
}

/// Calls `body` until it does something other than fail with EINTR; -1 becomes the error. EBADF and EFAULT trap: they are
/// never the world's fault, and going on would act on a descriptor that belongs to somebody else.
@discardableResult
public func systemCall<Result: FixedWidthInteger & SignedInteger>(
    _ name: StaticString = #function,
    _ body: () -> Result
) throws(Errno) -> Result {
    while true {
        let result = body()
        guard result == -1 else { return result }
        let error = Errno.current
        switch error.rawValue {
        case EINTR: continue
        case EBADF, EFAULT: fatalError("\(name): \(error.name)")
        default: throw error
        }
    }
}
