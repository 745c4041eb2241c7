import ControlMessages
import FoundationEssentials
import Testing

/// The examples of the document against the wire types and their encoder: what one of them says, the other must say in
/// the same words and in the same order.
@Suite struct ExamplesTests {
    /// Codes that come with another status as well, where they name a path or a header instead of a parameter.
    private static let moreStatuses: [ProblemCode: Set<Int>] = [
        .malformedRequest: [414, 431], .notSupportedYet: [404],
    ]

    @Test func everyExampleOfAnAnswerIsWhatTheEncoderWrites() throws {
        let examples = try ContractDocument().responseExamples()
        #expect(examples.count > 100)
        // Only the document itself is described where it stands: no wire type is behind it.
        for example in examples where example.schema != nil {
            let written = try Self.written(example)
            #expect(written == example.value.compact, "\(example.place)")
        }
    }

    @Test func everyExampleOfARequestIsUnderstood() throws {
        for example in try ContractDocument().requestExamples() where example.schema == "OperationRequest" {
            let bytes = Data(example.value.compact.utf8)
            let message = try JSONDecoder().decode(OperationRequestMessage.self, from: bytes)
            #expect(message.action == example.value["action"]?.text, "\(example.place)")
            switch message.workers {
            case .all: #expect(example.value["workers"]?.text == "all", "\(example.place)")
            case .named(let names):
                #expect(names == example.value["workers"]?.elements.compactMap(\.text), "\(example.place)")
            }
        }
    }

    @Test func everyProblemHasTheStatusOfItsCode() throws {
        for example in try ContractDocument().responseExamples() where example.mediaType == "application/problem+json" {
            let code = try #require(
                example.value["code"]?.text.flatMap(ProblemCode.init(rawValue:)),
                "\(example.place)"
            )
            let statuses = Self.moreStatuses[code, default: []].union([code.status])
            let status = try #require(example.value["status"].flatMap { Int($0.compact) }, "\(example.place)")
            #expect(statuses.contains(status), "\(example.place)")
        }
    }

    /// The example, decoded into the type of its schema and encoded again.
    private static func written(_ example: ContractDocument.Example) throws -> String {
        switch example.schema {
        case "Probe": try Self.again(ProbeMessage.self, example)
        case "Workers": try Self.again(WorkersMessage.self, example)
        case "Worker": try Self.again(WorkerMessage.self, example)
        case "Exits": try Self.again(ExitsMessage.self, example)
        case "Exit": try Self.again(ExitMessage.self, example)
        case "Operations": try Self.again(OperationsMessage.self, example)
        case "Operation": try Self.again(OperationMessage.self, example)
        case "Agent": try Self.again(AgentMessage.self, example)
        case "LogMessage":
            if example.value["note"] == nil {
                try Self.again(LogLineMessage.self, example)
            } else {
                try Self.again(LogNoteMessage.self, example)
            }
        case "Problem": try Self.again(ProblemMessage.self, example)
        case "GoneProblem":
            // The extension member stands after the members that every problem has.
            try Self.again(ProblemMessage.self, example).dropLast() + ",\"oldest\":\(try Self.oldest(example))}"
        default: try #require(nil as String?, "\(example.place): no wire type for \(example.schema ?? "it")")
        }
    }

    private static func again<Message: Codable>(
        _ type: Message.Type,
        _ example: ContractDocument.Example
    ) throws -> String {
        let message = try JSONDecoder().decode(type, from: Data(example.value.compact.utf8))
        return String(decoding: try ContractEncoder.encode(message), as: UTF8.self)
    }

    private static func oldest(_ example: ContractDocument.Example) throws -> String {
        try #require(example.value["oldest"]).compact
    }
}
