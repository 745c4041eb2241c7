/// GET /v1/operations.
public struct OperationsMessage: Codable, Equatable, Sendable {
    /// Newest first.
    public var operations: [OperationMessage]

    public init(operations: [OperationMessage]) {
        self.operations = operations
    }
}

/// Something somebody asked for.
public struct OperationMessage: Codable, Equatable, Sendable {
    public var id: String
    public var action: String
    public var workers: [String]
    public var state: String
    public var changed: Bool
    public var requestedBy: String
    public var reason: String?
    public var createdAt: String
    public var finishedAt: String?
    public var abortedBy: String?
    public var error: String?
    public var instances: [OperationInstanceMessage]

    public enum CodingKeys: String, CodingKey {
        case id, action, workers, state, changed
        case requestedBy = "requested_by"
        case reason
        case createdAt = "created_at"
        case finishedAt = "finished_at"
        case abortedBy = "aborted_by"
        case error, instances
    }

    public init(
        id: String,
        action: String,
        workers: [String],
        state: String,
        changed: Bool,
        requestedBy: String,
        reason: String?,
        createdAt: String,
        finishedAt: String?,
        abortedBy: String?,
        error: String?,
        instances: [OperationInstanceMessage]
    ) {
        self.id = id
        self.action = action
        self.workers = workers
        self.state = state
        self.changed = changed
        self.requestedBy = requestedBy
        self.reason = reason
        self.createdAt = createdAt
        self.finishedAt = finishedAt
        self.abortedBy = abortedBy
        self.error = error
        self.instances = instances
    }
}

public struct OperationInstanceMessage: Codable, Equatable, Sendable {
    public var worker: String
    public var instance: Int
    public var oldRunID: String?
    public var newRunID: String?
    public var outcome: String
    public var exit: ExitMessage?
    public var transcript: [TranscriptMessage]

    public enum CodingKeys: String, CodingKey {
        case worker, instance
        case oldRunID = "old_run_id"
        case newRunID = "new_run_id"
        case outcome, exit, transcript
    }

    public init(
        worker: String,
        instance: Int,
        oldRunID: String?,
        newRunID: String?,
        outcome: String,
        exit: ExitMessage?,
        transcript: [TranscriptMessage]
    ) {
        self.worker = worker
        self.instance = instance
        self.oldRunID = oldRunID
        self.newRunID = newRunID
        self.outcome = outcome
        self.exit = exit
        self.transcript = transcript
    }
}

public struct TranscriptMessage: Codable, Equatable, Sendable {
    public var at: String
    public var text: String

    public init(at: String, text: String) {
        self.at = at
        self.text = text
    }
}

/// The body of POST /v1/operations.
public struct OperationRequestMessage: Codable, Equatable, Sendable {
    /// A list of names and globs, or the word `all`.
    public enum Workers: Equatable, Sendable {
        case all
        case named([String])
    }

    public var action: String
    public var workers: Workers

    public init(action: String, workers: Workers) {
        self.action = action
        self.workers = workers
    }
}

extension OperationRequestMessage.Workers: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let word = try? container.decode(String.self) {
            guard word == "all" else {
                throw DecodingError.dataCorruptedError(
                    in: container,
                    debugDescription: "workers is a list of names or the word \"all\""
                )
            }
            self = .all
        } else {
            self = .named(try container.decode([String].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .all: try container.encode("all")
        case .named(let names): try container.encode(names)
        }
    }
}
