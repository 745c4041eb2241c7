import Glibc
public import LinuxSystem

/// The pipes of a run that is about to be created, one for each captured stream. Made on any thread, before the clone; the
/// child gets the write ends.
public struct RunPipes: ~Copyable, Sendable {
    private let output: Pipe?
    private let error: Pipe?
    private let mergesError: Bool
    /// What becomes descriptor 1 of the child; `nil` when its output is not captured.
    public let standardOutput: Int32?
    /// What becomes descriptor 2 of the child.
    public let standardError: Int32?

    /// EMFILE or ENFILE when there are no descriptors left.
    ///
    /// - Parameters:
    ///   - capturesOutput, capturesError: whether the stream has a pipe of its own.
    ///   - mergesError: whether standard error goes where standard output goes.
    public init(capturesOutput: Bool, capturesError: Bool, mergesError: Bool = false) throws(Errno) {
        let output = try Self.pipe(capturesOutput)
        let error: Pipe?
        do throws(Errno) {
            error = try Self.pipe(capturesError && !mergesError)
        } catch {
            Self.close(output)
            throw error
        }
        self.mergesError = mergesError && capturesOutput
        self.standardOutput = Self.writeEnd(output)
        self.standardError = mergesError ? Self.writeEnd(output) : Self.writeEnd(error)
        self.output = consume output
        self.error = consume error
    }

    private static func writeEnd(_ pipe: borrowing Pipe?) -> Int32? {
        switch pipe {
        case .some(let pipe): pipe.writeEnd.rawValue
        case .none: nil
        }
    }

    private static func pipe(_ isWanted: Bool) throws(Errno) -> Pipe? {
        isWanted ? try Pipe() : nil
    }

    /// What each pipe is, and the number of its read end, for whoever is to hold them too. They stay this value's own.
    public var readEnds: [(stream: StandardStream, descriptor: Int32)] {
        var ends: [(StandardStream, Int32)] = []
        if let number = Self.readNumber(self.output) {
            ends.append((.standardOutput, number))
        }
        if let number = Self.readNumber(self.error) {
            ends.append((.standardError, number))
        }
        return ends
    }

    private static func readNumber(_ pipe: borrowing Pipe?) -> Int32? {
        switch pipe {
        case .some(let pipe): pipe.readEnd.rawValue
        case .none: nil
        }
    }

    /// The child has the write ends: closes them here, and hands on the read ends.
    public consuming func started() -> CapturedStreams {
        let mergesError = self.mergesError
        return CapturedStreams(
            standardOutput: Self.readEnd(self.output),
            standardError: Self.readEnd(self.error),
            mergesError: mergesError
        )
    }

    /// There is no child.
    public consuming func discard() {
        Self.close(self.output)
        Self.close(self.error)
    }

    private static func readEnd(_ pipe: consuming Pipe?) -> Int32? {
        guard let pipe else { return nil }
        return pipe.split { readEnd, writeEnd in
            writeEnd.close()
            return readEnd.take()
        }
    }

    private static func close(_ pipe: consuming Pipe?) {
        guard let pipe else { return }
        pipe.split { readEnd, writeEnd in
            readEnd.close()
            writeEnd.close()
        }
    }
}

/// The read ends of a run's pipes, which belong to whoever receives this: the room, by `attach`.
public struct CapturedStreams: Sendable {
    public let standardOutput: Int32?
    public let standardError: Int32?
    /// Whether standard error comes by the pipe of standard output.
    public let mergesError: Bool

    public init(standardOutput: Int32?, standardError: Int32?, mergesError: Bool) {
        self.standardOutput = standardOutput
        self.standardError = standardError
        self.mergesError = mergesError
    }

    public var isEmpty: Bool {
        self.standardOutput == nil && self.standardError == nil
    }

    /// Closes them, where there is no room to attach them to.
    public func close() {
        for (_, number) in self.readEnds {
            Descriptor(owning: number).close()
        }
    }

    public var readEnds: [(StandardStream, Int32)] {
        [(.standardOutput, self.standardOutput), (.standardError, self.standardError)].compactMap { stream, number in
            number.map { (stream, $0) }
        }
    }

    /// Under which stream standard error is kept; `nil` when it is not captured.
    var errorStream: StandardStream? {
        if self.standardError != nil { return .standardError }
        return self.mergesError && self.standardOutput != nil ? .standardOutput : nil
    }
}
