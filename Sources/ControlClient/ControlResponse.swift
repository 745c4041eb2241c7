public import ControlMessages
import FoundationEssentials

/// An agent's answer, whatever its status.
public struct ControlResponse: Equatable, Sendable {
    public struct Header: Equatable, Sendable {
        /// In lower case.
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public var status: Int
    public var headers: [Header]
    public var body: [UInt8]

    public init(status: Int, headers: [Header], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public var isSuccess: Bool { (200..<300).contains(self.status) }

    /// The body as text; bytes that are no UTF-8 are replaced.
    public var text: String { String(decoding: self.body, as: UTF8.self) }

    /// The value of a header, its name in any case; the first of several.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return self.headers.first { $0.name == wanted }?.value
    }

    /// The body as a message. Throws the problem that the agent answered instead, or that it cannot be read.
    public func message<Message: Decodable>(_ type: Message.Type) throws(ControlClientError) -> Message {
        guard self.isSuccess else {
            throw self.problem.map(ControlClientError.problem)
                ?? .unexpectedAnswer("status \(self.status) without a problem in its body")
        }
        return try self.decode(type)
    }

    /// What the agent says went wrong; `nil` for a success, and for an answer that tells nothing.
    public var problem: ProblemMessage? {
        guard !self.isSuccess else { return nil }
        return try? self.decode(ProblemMessage.self)
    }

    /// The body as a message, whatever the status.
    public func decode<Message: Decodable>(_ type: Message.Type) throws(ControlClientError) -> Message {
        do {
            return try JSONDecoder().decode(type, from: Data(self.body))
        } catch let error as DecodingError {
            throw .unexpectedAnswer(Self.describe(error))
        } catch {
            throw .unexpectedAnswer("\(error)")
        }
    }

    private static func describe(_ error: DecodingError) -> String {
        let context: DecodingError.Context
        switch error {
        case .typeMismatch(_, let given), .valueNotFound(_, let given), .dataCorrupted(let given): context = given
        case .keyNotFound(let key, let given):
            let path = (given.codingPath + [key]).map(\.stringValue).joined(separator: ".")
            return "\(path) is missing"
        @unknown default: return "\(error)"
        }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? "its body is no JSON" : "\(path) is not as expected"
    }
}
