public import LinuxSystem

/// How a run ended that the keeper looked after.
public enum CustodyExit: Equatable, Sendable {
    /// What wait(2) stores, and the rusage; that is unknown when somebody else than the keeper reaped the process.
    case ended(waitStatus: Int32, usage: ProcessUsage?)
    /// It ended before it executed the worker's program: the agent had died while it created it.
    case neverExecuted
    /// Somebody else reaped it, and the kernel does not tell.
    case unknown
}

extension CustodyExit {
    func write(to writer: inout MessageWriter) {
        switch self {
        case .ended(let waitStatus, let usage):
            writer.number(UInt8(1))
            writer.number(waitStatus)
            writer.flag(usage != nil)
            if let usage {
                writer.number(Self.nanoseconds(usage.user))
                writer.number(Self.nanoseconds(usage.system))
                writer.number(usage.maximumResidentBytes)
            }
        case .neverExecuted: writer.number(UInt8(2))
        case .unknown: writer.number(UInt8(3))
        }
    }

    init(from reader: inout MessageReader) throws(HandoverError) {
        switch try reader.number(UInt8.self) {
        case 1:
            let status = try reader.number(Int32.self)
            var usage: ProcessUsage?
            if try reader.flag("usage") {
                let user = try reader.number(Int64.self)
                let system = try reader.number(Int64.self)
                usage = ProcessUsage(
                    user: .nanoseconds(user),
                    system: .nanoseconds(system),
                    maximumResidentBytes: try reader.number(Int64.self)
                )
            }
            self = .ended(waitStatus: status, usage: usage)
        case 2: self = .neverExecuted
        case 3: self = .unknown
        default: throw .value("exit")
        }
    }

    private static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
    }
}
