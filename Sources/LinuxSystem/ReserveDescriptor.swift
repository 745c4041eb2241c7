internal import Glibc

/// A descriptor kept for the moment when the process has no other left (EMFILE): it is given up so that one urgent call
/// succeeds, such as an accept that only closes the connection again.
public final class ReserveDescriptor {
    private var number: Int32

    public init() throws(Errno) {
        self.number = try Descriptor.open("/dev/null", O_RDONLY).take()
    }

    deinit {
        if self.number >= 0 {
            Glibc.close(self.number)
        }
    }

    /// Runs `body` with one more descriptor to be had, then takes the place again when it is free; otherwise the next call
    /// tries to.
    public func lend<Result>(_ body: () -> Result) -> Result {
        self.refill()
        if self.number >= 0 {
            Glibc.close(self.number)
            self.number = -1
        }
        let result = body()
        self.refill()
        return result
    }

    private func refill() {
        if self.number < 0 {
            self.number = open("/dev/null", O_RDONLY | O_CLOEXEC)
        }
    }
}
