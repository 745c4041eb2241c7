import ControlClient
import ControlMessages

/// Asks for an operation, waits for its end, and says how it went.
struct OperationRunner {
    let action: String
    /// Names and globs.
    let workers: [String]
    var instance: Int?
    /// For scale, of a single worker.
    var count: Int?
    let arguments: CommonOperationArguments
    var grace: DurationArgument?
    var observe: DurationArgument?

    init(
        action: String,
        arguments: OperationArguments,
        grace: DurationArgument? = nil,
        observe: DurationArgument? = nil
    ) {
        self.action = action
        self.workers = arguments.workers
        self.instance = arguments.instance
        self.arguments = arguments.common
        self.grace = grace
        self.observe = observe
    }

    init(
        scaling worker: String,
        to count: Int,
        arguments: CommonOperationArguments,
        grace: DurationArgument?,
        observe: DurationArgument?
    ) {
        self.action = "scale"
        self.workers = [worker]
        self.count = count
        self.arguments = arguments
        self.grace = grace
        self.observe = observe
    }

    func run() throws(CommandFailure) {
        let client = try self.arguments.connection.connect()
        // For JSON nothing is asked besides: the answer is the agent's, names that it does not know included.
        let before = self.arguments.json ? [] : try self.selectedWorkers(with: client)
        let request = try self.request()
        let response: ControlResponse
        do {
            response = try client.send(request)
        } catch {
            throw CommandFailure(error)
        }
        guard !self.arguments.json else {
            try Remote.printBody(of: response)
            return try self.finish(response)
        }
        if let operation = Self.operation(in: response) {
            try self.report(operation, before: before, with: client)
        }
        try self.finish(response)
    }

    /// The workers that are meant; ends the command for a name that is not there.
    private func selectedWorkers(with client: ControlClient) throws(CommandFailure) -> [WorkerMessage] {
        let all = try Remote.fetch(WorkersMessage.self, .workers(), with: client).workers
        let names = Set(try WorkerSelection.expand(self.workers, among: all.map(\.name)))
        return all.filter { names.contains($0.name) }
    }

    private func request() throws(CommandFailure) -> ControlRequest {
        var options = OperationOptions()
        options.isDetached = self.arguments.isDetached
        options.instance = self.instance
        options.timeout = self.arguments.timeout?.text
        options.grace = self.grace?.text
        options.observe = self.observe?.text
        options.reason = self.arguments.reason
        options.isPersistent = self.arguments.persist
        let workers = self.workers
        if let count = self.count {
            return .scale(worker: workers[0], to: count, options: options)
        }
        if workers.count == 1, !NamePattern(text: workers[0]).isGlob {
            return .perform(self.action, worker: workers[0], options: options)
        }
        do {
            return try .perform(self.action, workers: .named(workers), options: options)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// The operation that an answer is about: the answer itself, or what its problem names.
    private static func operation(in response: ControlResponse) -> OperationMessage? {
        guard response.isSuccess else {
            // One that is in the way is somebody else's, and was not asked for here.
            return response.status == 409 ? nil : response.problem?.operation
        }
        return try? response.decode(OperationMessage.self)
    }

    private func report(
        _ operation: OperationMessage,
        before: [WorkerMessage],
        with client: ControlClient
    ) throws(CommandFailure) {
        guard operation.finishedAt != nil || operation.state != "pending" && operation.state != "running" else {
            try Terminal.write(OperationView.goesOn(operation) + "\n")
            return
        }
        // Only for the process ids: the operation is over, and an agent that does not answer now changes nothing of it.
        let after = (try? client.fetch(WorkersMessage.self, .workers(operation.workers)))?.workers ?? []
        let view = OperationView(
            operation: operation,
            before: before,
            after: after,
            isVerbose: self.arguments.verbose
        )
        try Terminal.write(view.render(style: Terminal.style))
    }

    private func finish(_ response: ControlResponse) throws(CommandFailure) {
        guard response.isSuccess else { throw Remote.failure(of: response) }
        let operation: OperationMessage
        do {
            operation = try response.decode(OperationMessage.self)
        } catch {
            throw CommandFailure(error)
        }
        let status = CommandStatus(operation, isDetached: self.arguments.isDetached)
        guard status == .done else {
            throw CommandFailure(status, operation.error.map(Printable.line) ?? "\(self.action) \(operation.state)")
        }
    }
}
