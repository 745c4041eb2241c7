import LinuxSystem

/// What a keeper hands to the program that takes its place: all that it knows, and the numbers of its descriptors.
struct KeeperState: Equatable {
    struct Agent: Equatable {
        var pid: Int32
        var pidfd: Int32
        var socket: Int32
        /// -1 for none.
        var bell: Int32
        var phase: UInt8
        var leaving: AgentMessage.Leaving?
        var cursor: UInt32
        var told: UInt32
    }

    struct Run: Equatable {
        var pid: Int32
        var pidfd: Int32
        var pipes: [Int32]
        /// As in `CustodyTable`.
        var body: [UInt8]
        var isAdopted: Bool
        var exit: CustodyExit?
        var isZombie: Bool
        var isCommitted: Bool
        var isTold: Bool
    }

    var options: KeeperOptions
    var executable: Int32
    var lock: Int32
    var limits: InheritedLimits
    /// Those of a `TransitPipe`, or none.
    var transit: [Int32]
    var starts: UInt32
    var shutdownSignal: Int32
    var lostAnnouncements: UInt32
    var agent: Agent?
    var runs: [Run]

    /// All descriptors that must stay open.
    var descriptors: [Int32] {
        var all =
            [self.executable, self.lock] + self.transit + (self.agent.map { [$0.pidfd, $0.socket, $0.bell] } ?? [])
        for run in self.runs {
            all.append(run.pidfd)
            all += run.pipes
        }
        return all.filter { $0 >= 0 }
    }
}

extension KeeperState {
    private static let magic: UInt64 = 0x6572_6576_6b65_6570
    /// Version 1 had no transit pipe and no bell.
    private static let version: UInt16 = 2
    private static let maximumText = 32768
    static let maximumArguments = 256

    var bytes: [UInt8] {
        var writer = MessageWriter()
        writer.number(Self.magic)
        writer.number(Self.version)
        Self.write(self.options, to: &writer)
        writer.number(self.executable)
        writer.number(self.lock)
        writer.number(self.limits.openFiles)
        writer.number(self.limits.outOfMemoryScore)
        writer.flag(!self.transit.isEmpty)
        for descriptor in self.transit {
            writer.number(descriptor)
        }
        writer.number(self.starts)
        writer.number(self.shutdownSignal)
        writer.number(self.lostAnnouncements)
        writer.flag(self.agent != nil)
        if let agent = self.agent {
            Self.write(agent, to: &writer)
        }
        writer.number(UInt32(self.runs.count))
        for run in self.runs {
            Self.write(run, to: &writer)
        }
        return writer.written
    }

    init(_ bytes: UnsafeRawBufferPointer) throws(HandoverError) {
        var reader = MessageReader(bytes)
        guard try reader.number(UInt64.self) == Self.magic else { throw .noMessage }
        let version = try reader.number(UInt16.self)
        guard (1...Self.version).contains(version) else { throw .version(UInt8(truncatingIfNeeded: version)) }
        self.options = try Self.options(from: &reader)
        self.executable = try reader.number(Int32.self)
        self.lock = try reader.number(Int32.self)
        let openFiles = try reader.number(UInt64.self)
        self.limits = InheritedLimits(openFiles: openFiles, outOfMemoryScore: try reader.number(Int32.self))
        self.transit = version > 1 ? try Self.transit(from: &reader) : []
        self.starts = try reader.number(UInt32.self)
        self.shutdownSignal = try reader.number(Int32.self)
        guard (0...64).contains(self.shutdownSignal) else { throw .value("shutdown signal") }
        self.lostAnnouncements = try reader.number(UInt32.self)
        self.agent = try reader.flag("agent") ? try Self.agent(from: &reader, version) : nil
        let count = try reader.number(UInt32.self)
        guard count <= CustodyTable.capacity else { throw .value("runs") }
        self.runs = []
        for _ in 0..<count {
            self.runs.append(try Self.run(from: &reader))
        }
        try reader.end()
        guard self.executable >= 0 else { throw .descriptors }
    }

    private static func write(_ options: KeeperOptions, to writer: inout MessageWriter) {
        for text in [options.stateDirectory, options.binary] {
            writer.flag(text != nil)
            writer.text(text ?? "", atMost: Self.maximumText)
        }
        writer.number(UInt16(options.agentArguments.count))
        for argument in options.agentArguments {
            writer.text(argument, atMost: Self.maximumText)
        }
        for duration in [
            options.signInterval, options.silenceLimit, options.upgradeLimit, options.upgradeObservation,
        ] {
            let (seconds, attoseconds) = duration.components
            writer.number(seconds)
            writer.number(attoseconds)
        }
    }

    private static func options(from reader: inout MessageReader) throws(HandoverError) -> KeeperOptions {
        let hasDirectory = try reader.flag("state directory")
        let directory = try reader.text("state directory", atMost: Self.maximumText)
        let hasBinary = try reader.flag("binary")
        let binary = try reader.text("binary", atMost: Self.maximumText)
        let count = try reader.number(UInt16.self)
        guard (1...Self.maximumArguments).contains(Int(count)) else { throw .value("arguments") }
        var arguments: [String] = []
        for _ in 0..<count {
            arguments.append(try reader.text("argument", atMost: Self.maximumText))
        }
        var durations: [Duration] = []
        for _ in 0..<4 {
            let seconds = try reader.number(Int64.self)
            let attoseconds = try reader.number(Int64.self)
            // A day at most: sums with these cannot overflow.
            guard (0...86_400).contains(seconds), (0..<1_000_000_000_000_000_000).contains(attoseconds) else {
                throw .value("duration")
            }
            durations.append(Duration(secondsComponent: seconds, attosecondsComponent: attoseconds))
        }
        return KeeperOptions(
            stateDirectory: hasDirectory ? directory : nil,
            agentArguments: arguments,
            binary: hasBinary ? binary : nil,
            signInterval: durations[0],
            silenceLimit: durations[1],
            upgradeLimit: durations[2],
            upgradeObservation: durations[3]
        )
    }

    private static func transit(from reader: inout MessageReader) throws(HandoverError) -> [Int32] {
        guard try reader.flag("transit") else { return [] }
        var numbers: [Int32] = []
        for _ in 0..<TransitPipe.descriptorCount {
            numbers.append(try reader.number(Int32.self))
        }
        guard numbers.allSatisfy({ $0 >= 0 }) else { throw .descriptors }
        return numbers
    }

    private static func write(_ agent: Agent, to writer: inout MessageWriter) {
        writer.number(agent.pid)
        writer.number(agent.pidfd)
        writer.number(agent.socket)
        writer.number(agent.bell)
        writer.number(agent.phase)
        switch agent.leaving {
        case nil: writer.number(UInt8(0))
        case .ended(let code):
            writer.number(UInt8(1))
            writer.number(code)
        case .replaced: writer.number(UInt8(2))
        }
        writer.number(agent.cursor)
        writer.number(agent.told)
    }

    private static func agent(from reader: inout MessageReader, _ version: UInt16) throws(HandoverError) -> Agent {
        let pid = try reader.number(Int32.self)
        let pidfd = try reader.number(Int32.self)
        let socket = try reader.number(Int32.self)
        let bell = version > 1 ? try reader.number(Int32.self) : -1
        guard pid > 1, pidfd >= 0, socket >= 0, bell >= -1 else { throw .descriptors }
        let phase = try reader.number(UInt8.self)
        guard GuardedAgent.Phase(rawValue: phase) != nil else { throw .value("phase") }
        let leaving: AgentMessage.Leaving?
        switch try reader.number(UInt8.self) {
        case 0: leaving = nil
        case 1: leaving = .ended(code: try reader.number(UInt8.self))
        case 2: leaving = .replaced
        default: throw .value("leaving")
        }
        let cursor = try reader.number(UInt32.self)
        let told = try reader.number(UInt32.self)
        return Agent(
            pid: pid,
            pidfd: pidfd,
            socket: socket,
            bell: bell,
            phase: phase,
            leaving: leaving,
            cursor: cursor,
            told: told
        )
    }

    private static func write(_ run: Run, to writer: inout MessageWriter) {
        writer.number(run.pid)
        writer.number(run.pidfd)
        writer.number(UInt8(run.pipes.count))
        for pipe in run.pipes {
            writer.number(pipe)
        }
        writer.block(run.body, atMost: HandoverProtocol.maximumMessage)
        writer.flag(run.isAdopted)
        writer.flag(run.exit != nil)
        run.exit?.write(to: &writer)
        writer.flag(run.isZombie)
        writer.flag(run.isCommitted)
        writer.flag(run.isTold)
    }

    private static func run(from reader: inout MessageReader) throws(HandoverError) -> Run {
        let pid = try reader.number(Int32.self)
        let pidfd = try reader.number(Int32.self)
        let count = try reader.number(UInt8.self)
        guard count <= HandoverProtocol.maximumPipes else { throw .value("pipes") }
        var pipes: [Int32] = []
        for _ in 0..<count {
            pipes.append(try reader.number(Int32.self))
        }
        let body = Array(try reader.block("announcement", atMost: HandoverProtocol.maximumMessage))
        try body.withUnsafeBytes { bytes in Result { () throws(HandoverError) in try Self.check(body: bytes) } }.get()
        let isAdopted = try reader.flag("adopted")
        let hasExit = try reader.flag("exit")
        let exit = hasExit ? try CustodyExit(from: &reader) : nil
        let isZombie = try reader.flag("zombie")
        let isCommitted = try reader.flag("committed")
        return Run(
            pid: pid,
            pidfd: pidfd,
            pipes: pipes,
            body: body,
            isAdopted: isAdopted,
            exit: exit,
            isZombie: isZombie,
            isCommitted: isCommitted,
            isTold: try reader.flag("told")
        )
    }

    private static func check(body: UnsafeRawBufferPointer) throws(HandoverError) {
        var reader = MessageReader(body)
        _ = try AnnouncementOutline(from: &reader)
        try reader.end()
    }
}
