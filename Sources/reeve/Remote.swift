import ControlClient
import ControlMessages
import Glibc

/// What all commands do with the agent's answers.
enum Remote {
    /// Sends a request; a refusal ends the command. With `json` the refusal's body is printed as well.
    static func send(
        _ request: ControlRequest,
        with client: ControlClient,
        json: Bool
    ) throws(CommandFailure) -> ControlResponse {
        let response: ControlResponse
        do {
            response = try client.send(request)
        } catch {
            throw CommandFailure(error)
        }
        guard response.isSuccess else {
            if json {
                try self.printBody(of: response)
            }
            throw self.failure(of: response)
        }
        return response
    }

    /// Sends a request of a command that goes on for ever. `nil`, after a word and a second, when the agent is away: it
    /// may be on its way back.
    static func sendPatiently(
        _ request: ControlRequest,
        with client: ControlClient
    ) throws(CommandFailure) -> ControlResponse? {
        do {
            return try client.send(request)
        } catch {
            guard error.isPassing else { throw CommandFailure(error) }
            Terminal.complain("\(Printable.line(error.description)); trying again")
            sleep(1)
            return nil
        }
    }

    static func read<Message: Decodable>(
        _ type: Message.Type,
        of response: ControlResponse
    ) throws(CommandFailure) -> Message {
        do {
            return try response.message(type)
        } catch {
            throw CommandFailure(error)
        }
    }

    static func fetch<Message: Decodable>(
        _ type: Message.Type,
        _ request: ControlRequest,
        with client: ControlClient
    ) throws(CommandFailure) -> Message {
        do {
            return try client.fetch(type, request)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// What an answer that is no success ends a command with.
    static func failure(of response: ControlResponse) -> CommandFailure {
        let status = CommandStatus(httpStatus: response.status)
        guard let problem = response.problem else {
            return CommandFailure(status, "the agent answered with status \(response.status) and says nothing else")
        }
        return CommandFailure(status, Printable.line(problem.detail.isEmpty ? problem.title : problem.detail))
    }

    /// The oldest that is kept, of the answer 410 to somebody who cannot go on where he was.
    static func whereToGoOn(_ response: ControlResponse) -> Int64? {
        struct Gone: Decodable {
            var oldest: Int64
        }
        guard response.status == 410 else { return nil }
        return (try? response.decode(Gone.self))?.oldest
    }

    /// The answer's JSON as it came, and the end of its line.
    @discardableResult
    static func printBody(of response: ControlResponse) throws(CommandFailure) -> Bool {
        let newline = UInt8(ascii: "\n")
        return try Terminal.write(response.body.last == newline ? response.body : response.body + [newline])
    }
}

extension ControlClientError {
    /// Whether the agent may answer a little later.
    var isPassing: Bool {
        switch self {
        case .cannotReach(_, let reason): reason == .noSocket || reason == .refused
        case .disconnected, .timedOut: true
        case .invalidRequest, .answerTooLarge, .unexpectedAnswer, .problem: false
        }
    }
}
