import Configuration
import ControlAPI
import ControlMessages
import Glibc
import HTTPServer
import History
import LinuxSystem
import Logging
import Output
import Supervision

/// The control room with its server and listeners.
final class ControlServer: Sendable {
    let room: ControlRoom
    /// Where it listens, for people.
    let addresses: [String]
    /// How many turns of the loop answers have for leaving when the agent ends, and how long each waits.
    static let farewellTurns = 10
    private static let farewellTurn = Duration.milliseconds(5)

    private let loop: EventLoop
    private let isStarted = Locked(false)
    private let server: LoopBound<HTTPServer>

    /// Listens, and answers from `start` on.
    init(
        settings: Settings,
        generation: Int64,
        bootID: String,
        capabilities: Capabilities,
        loop: EventLoop,
        supervision: EventLoop,
        supervisor: Supervisor,
        history: HistoryRoom,
        recovery: HistoryRecovery,
        output: OutputRoom,
        keeper: Int32,
        trouble: String?,
        log: AgentLog
    ) throws(AgentStartFailure) {
        self.loop = loop
        var listeners = [try Self.unixListener(settings.control)]
        for listener in settings.control.listeners {
            listeners.append(try Self.listener(listener))
        }
        let access = ControlAccess(
            agentUID: geteuid(),
            peers: PeerResolution.resolve(settings.control.peers),
            hosts: settings.control.hosts,
            listeners: listeners.map(\.access)
        )
        let loopLag = LoopLag()
        loopLag.watch(supervision)
        let room = ControlRoom(
            loop: loop,
            agent: Self.information(
                settings,
                keeper: keeper,
                trouble: trouble,
                generation: generation,
                bootID: bootID,
                capabilities: capabilities,
                troubles: { Self.troubles(of: output.status) }
            ),
            access: access,
            supervisor: supervisor,
            history: history,
            output: output,
            recovery: recovery,
            openAPIDocument: OpenAPIDocument.json,
            loopLag: loopLag,
            isSupervisionResponsive: { supervision.isResponsive(within: .seconds(5)) }
        )
        self.room = room
        self.addresses = listeners.map { listener in
            switch listener.access {
            case .unix(let path): "unix:\(path)"
            case .tcp(let address, _, _): "http://\(address)"
            }
        }
        let logger = log.logger
        do {
            self.server = try room.assumeIsolated { room throws(Errno) in
                let server = HTTPServer(loop: loop, handler: room.handler)
                server.log = { logger.debug("libmicrohttpd", metadata: ["text": "\($0)"]) }
                for listener in listeners {
                    try server.addListener(listener.takeSocket(), connections: listener.connections)
                }
                return LoopBound(server, to: loop)
            }
        } catch {
            throw AgentStartFailure("cannot serve \(self.addresses.joined(separator: ", ")): \(error)")
        }
    }

    /// Once; later calls do nothing, and answer `false`. From any thread.
    @discardableResult
    func start() -> Bool {
        let isFirst = self.isStarted.withLock { isStarted in
            defer { isStarted = true }
            return !isStarted
        }
        if isFirst {
            self.loop.start()
        }
        return isFirst
    }

    /// Closes everything after some turns of the control loop, in which answers that are queued, and those that are being
    /// made, may leave; then calls `completion` on that loop.
    func stop(afterTurns turns: Int, _ completion: @escaping @Sendable () -> Void) {
        let server = self.server
        let loop = self.loop
        let stop: @Sendable () -> Void = {
            server.take().stop()
            completion()
        }
        loop.execute {
            guard turns > 0 else { return stop() }
            loop.schedule(afterTurns: turns, of: Self.farewellTurn, stop)
        }
    }

    // MARK: Listeners

    /// Whoever may open the Unix socket is no stranger, so it takes thousands, half of which may follow events and output;
    /// but not more than half of the descriptors, of which starts need some.
    private static var connectionsOfUnixSocket: Int {
        Int(min(4096, max(256, DescriptorLimit.current / 2)))
    }

    /// A socket that waits to be given to the server, and what may be done there.
    private final class PendingListener {
        let access: ListenerAccess
        private var socket: ListeningSocket?

        init(_ socket: consuming ListeningSocket, _ access: (ListeningSocket.Address) -> ListenerAccess) {
            self.access = access(socket.address)
            self.socket = consume socket
        }

        /// Connections at most; `nil` for what any listener takes.
        var connections: Int? {
            switch self.access {
            case .unix: ControlServer.connectionsOfUnixSocket
            case .tcp: nil
            }
        }

        func takeSocket() -> ListeningSocket {
            guard let socket = self.socket.take() else { preconditionFailure("a listener was given away twice") }
            return socket
        }
    }

    private static func unixListener(_ control: ControlSettings) throws(AgentStartFailure) -> PendingListener {
        let group = control.socketGroup.flatMap { PeerResolution.gid(of: $0) }
        do throws(ListeningError) {
            let socket = try ListeningSocket.unix(path: control.socket, mode: control.socketMode, group: group)
            return PendingListener(socket) { _ in .unix(path: control.socket) }
        } catch {
            throw AgentStartFailure("\(error)")
        }
    }

    private static func listener(_ settings: ListenerSettings) throws(AgentStartFailure) -> PendingListener {
        do throws(ListeningError) {
            let socket = try ListeningSocket.tcp(host: settings.host, port: settings.port)
            return PendingListener(socket) { address in
                .tcp(address: "\(address)", anonymous: settings.anonymous, maximumRole: settings.maximumRole)
            }
        } catch {
            throw AgentStartFailure("\(error)")
        }
    }

    // MARK: /v1/agent

    private static func information(
        _ settings: Settings,
        keeper: Int32,
        trouble: String?,
        generation: Int64,
        bootID: String,
        capabilities: Capabilities,
        troubles: @escaping @Sendable () -> [String]
    ) -> AgentInformation {
        var found: [NamedValues<String>.Entry] = []
        for (name, value) in capabilities.entries {
            switch value {
            case .flag(let flag): found.append(.init(name: name, value: flag ? "yes" : "no"))
            case .text(let text): found.append(.init(name: name, value: text))
            }
        }
        var degraded = trouble.map { [$0] } ?? []
        if !capabilities.childrenLists {
            degraded.append("the kernel lists no children of processes (CONFIG_PROC_CHILDREN): scans of /proc are slow")
        }
        return AgentInformation(
            version: Product.version,
            pid: getpid(),
            keeperPID: keeper,
            generation: generation,
            startedAt: Timestamp(nanosecondsSinceEpoch: WallClock.nanosecondsSinceEpoch),
            bootID: bootID,
            configFiles: settings.files,
            stateDirectory: settings.agent.stateDirectory,
            capabilities: NamedValues(found),
            limits: [
                "operations": Int64(WorkerRoster.maximumOperations),
                "spawn_lanes": Int64(Spawner.maximumLanes),
                "history_age_seconds": settings.history.age.components.seconds,
                "history_exits": Int64(settings.history.records),
                "history_exits_per_worker": Int64(settings.history.recordsPerWorker),
                "history_size_bytes": settings.history.size,
                "log_lines_waiting": Int64(LogWriter.limit),
                "connections_per_listener": Int64(HTTPLimits().connectionsPerListener),
                "connections_unix": Int64(Self.connectionsOfUnixSocket),
                "descriptors": Int64(clamping: DescriptorLimit.current),
                "request_body_bytes": Int64(HTTPLimits().bodySize),
            ],
            degraded: degraded,
            troubles: troubles
        )
    }

    private static func troubles(of output: OutputStatus) -> [String] {
        guard let reason = output.degraded else { return [] }
        let dropped = output.droppedBytes == 0 ? "nothing was dropped" : "\(output.droppedBytes) bytes were dropped"
        return ["output of \(output.troubledStreams) streams waits in memory: \(reason); \(dropped)"]
    }
}
