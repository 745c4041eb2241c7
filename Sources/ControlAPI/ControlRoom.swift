public import HTTPServer
public import History
public import LinuxSystem
public import Supervision

/// The room of the control server: everything that answers requests lives on its loop. It learns what happens from the
/// stream of transitions, and asks the supervisor for nothing but operations.
public actor ControlRoom {
    public nonisolated let loop: EventLoop
    private let control: ControlHandler

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        self.loop.asUnownedSerialExecutor()
    }

    /// To be called on the loop, or before it runs by the thread that made it.
    ///
    /// - Parameters:
    ///   - history: where older records are.
    ///   - output: where the workers' output is.
    ///   - recovery: what the history knew of the time before this start of the agent.
    ///   - openAPIDocument: the bytes of /openapi.json.
    ///   - loopLag: of the supervision loop, for the metrics.
    ///   - isSupervisionResponsive: whether the supervision loop turns, for /healthz; called on the control loop.
    public init(
        loop: EventLoop,
        agent: AgentInformation,
        access: ControlAccess,
        supervisor: any SupervisorCommands,
        history: any HistoryQueries,
        output: any OutputQueries,
        recovery: HistoryRecovery = .nothing,
        openAPIDocument: [UInt8] = OpenAPIDocument.json,
        loopLag: LoopLag = LoopLag(),
        isSupervisionResponsive: @escaping @Sendable () -> Bool
    ) {
        let control = ControlHandler(
            agent: agent,
            access: access,
            timer: LoopTimer(loop),
            history: history,
            output: output,
            recovery: recovery,
            openAPIDocument: openAPIDocument,
            loopLag: loopLag,
            isSupervisionResponsive: isSupervisionResponsive
        )
        self.loop = loop
        self.control = control
        control.submit = { [weak self] number, request in
            guard let self else { return }
            // On the loop, not on a pool's thread: the agent has no other threads than its rooms.
            Task(executorPreference: loop) {
                let submission = await supervisor.submit(request)
                await self.submitted(number, submission)
            }
        }
        control.inquire = { [weak self] number, question in
            guard let self else { return }
            Task(executorPreference: loop) {
                let answer = await question.answer(history)
                await self.answered(number, answer)
            }
        }
        control.logs.inquire = { [weak self] number, question in
            guard let self else { return }
            Task(executorPreference: loop) {
                let answer = await question.answer(output)
                await self.answeredByOutput(number, answer)
            }
        }
        control.logs.tell = { [weak self] number in
            guard let self else { return }
            loop.execute { self.assumeIsolated { $0.control.logs.told(number) } }
        }
    }

    /// What the server calls; it belongs to the loop, as the server does.
    public var handler: any HTTPHandler {
        self.control
    }

    /// Takes a batch of transitions, in the order of the stream. May be called from any thread; batches are applied in the
    /// order in which they were handed over.
    public nonisolated func apply(_ transitions: [Transition]) {
        self.loop.execute {
            self.assumeIsolated { $0.control.apply(transitions) }
        }
    }

    /// The history has written the exits of these runs, which were told as not durable. From any thread.
    public nonisolated func madeDurable(_ runs: [RunID]) {
        self.loop.execute {
            self.assumeIsolated { $0.control.madeDurable(runs) }
        }
    }

    private func answered(_ number: UInt64, _ answer: any Sendable) {
        self.control.answered(number, answer)
    }

    private func answeredByOutput(_ number: UInt64, _ answer: any Sendable) {
        self.control.logs.answered(number, answer)
    }

    private func submitted(_ number: UInt64, _ submission: OperationSubmission) {
        self.control.submitted(number, submission)
    }
}
