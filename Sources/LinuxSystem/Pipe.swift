internal import CLinux
internal import Glibc

/// Both ends of a pipe, blocking and close-on-exec. The corresponding C function is `pipe2`.
public struct Pipe: ~Copyable, Sendable {
    public let readEnd: Descriptor
    public let writeEnd: Descriptor

    public init() throws(Errno) {
        var ends: [Int32] = [-1, -1]
        try systemCall("pipe2") { cl_pipe(&ends) }
        self.readEnd = Descriptor(owning: ends[0])
        self.writeEnd = Descriptor(owning: ends[1])
    }

    /// Gives each end to an owner of its own.
    public consuming func split<Result>(
        _ body: (consuming Descriptor, consuming Descriptor) -> Result
    ) -> Result {
        body(self.readEnd, self.writeEnd)
    }
}
