internal import Glibc

/// The one owner of an open file descriptor, close-on-exec from birth. It ends by `close` or `take`; one that is dropped
/// open is a mistake in the program and traps in debug builds, in others it is closed.
public struct Descriptor: ~Copyable, Sendable {
    private let number: Int32

    /// Takes over `number`, which nobody else may close from now on.
    public init(owning number: Int32) {
        precondition(number >= 0, "a descriptor cannot be negative")
        self.number = number
    }

    deinit {
        assertionFailure("the descriptor \(self.number) was dropped open")
        _ = Glibc.close(self.number)
    }

    /// The number, for as long as the owner is there.
    public var rawValue: Int32 {
        self.number
    }

    /// The corresponding C function is `close`. Its errors but EBADF are of no use: on Linux the number is free after
    /// every one of them, EINTR included.
    public consuming func close() {
        let result = Glibc.close(self.number)
        precondition(result == 0 || Errno.current.rawValue != EBADF, "closed a descriptor that was not open")
        discard self
    }

    /// Hands the number over to another owner.
    public consuming func take() -> Int32 {
        let number = self.number
        discard self
        return number
    }

    /// A second descriptor for the same open file. The corresponding C function is `fcntl` with `F_DUPFD_CLOEXEC`.
    public borrowing func duplicate() throws(Errno) -> Descriptor {
        let number = self.number
        return Descriptor(owning: try systemCall("fcntl") { fcntl(number, F_DUPFD_CLOEXEC, 3) })
    }

    /// Opens a file. The corresponding C function is `open`.
    ///
    /// - Parameter flags: those of open(2); O_CLOEXEC is added.
    public static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(Errno) -> Descriptor {
        Descriptor(owning: try systemCall("open") { Glibc.open(path, flags | O_CLOEXEC, mode) })
    }
}
