import ControlClient
import ControlMessages

/// Sends one request for each worker that is meant, and says how each went. Goes on after a refusal; the first one is
/// what the command ends with.
struct EachWorker {
    let workers: [String]
    let json: Bool
    let connection: ConnectionOptions

    func run(_ request: (String) -> ControlRequest) throws(CommandFailure) {
        let client = try self.connection.connect()
        let all = try Remote.fetch(WorkersMessage.self, .workers(), with: client).workers
        var first: CommandFailure?
        for name in try WorkerSelection.expand(self.workers, among: all.map(\.name)) {
            do {
                let response = try Remote.send(request(name), with: client, json: self.json)
                try self.report(response, worker: name, before: all)
            } catch {
                if let message = error.message {
                    Terminal.complain(message)
                }
                first = first ?? CommandFailure(error.status)
            }
        }
        if let first {
            throw first
        }
    }

    private func report(
        _ response: ControlResponse,
        worker: String,
        before: [WorkerMessage]
    ) throws(CommandFailure) {
        guard !self.json else {
            try Remote.printBody(of: response)
            return
        }
        let operation = try Remote.read(OperationMessage.self, of: response)
        try Terminal.write(OperationView(operation: operation, before: before).render(style: Terminal.style))
        let status = CommandStatus(operation, isDetached: true)
        guard status == .done else {
            throw CommandFailure(status, operation.error.map(Printable.line))
        }
    }
}
