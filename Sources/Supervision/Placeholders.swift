/// `{worker}`, `{instance}` and `{port}` in commands and environment values; `{{` stands for a brace.
public struct Placeholders: Sendable {
    public var worker: String
    public var instance: Int
    public var port: Int?

    public init(worker: String, instance: Int, port: Int?) {
        self.worker = worker
        self.instance = instance
        self.port = port
    }

    /// What is wrong with a text, with the offset of the brace in UTF-8 bytes.
    public enum Failure: Error, Equatable, Sendable {
        /// `{name}` with a name that nobody knows.
        case unknown(name: String, offset: Int)
        /// `{port}` in a worker without `base_port`.
        case noPort(offset: Int)
        /// A `{` that no `}` follows.
        case unclosed(offset: Int)
    }

    /// The text with every placeholder replaced; `}` outside of a placeholder and `}}` stand for a brace.
    public func expand(_ text: String) throws(Failure) -> String {
        guard text.utf8.contains(UInt8(ascii: "{")) || text.utf8.contains(UInt8(ascii: "}")) else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "}"), index + 1 < bytes.count, bytes[index + 1] == byte {
                result.append(byte)
                index += 2
                continue
            }
            guard byte == UInt8(ascii: "{") else {
                result.append(byte)
                index += 1
                continue
            }
            if index + 1 < bytes.count, bytes[index + 1] == byte {
                result.append(byte)
                index += 2
                continue
            }
            guard let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else { throw .unclosed(offset: index) }
            let name = String(decoding: bytes[(index + 1)..<end], as: UTF8.self)
            switch name {
            case "worker": result += Array(self.worker.utf8)
            case "instance": result += Array(String(self.instance).utf8)
            case "port":
                guard let port = self.port else { throw .noPort(offset: index) }
                result += Array(String(port).utf8)
            default: throw .unknown(name: name, offset: index)
            }
            index = end + 1
        }
        return String(decoding: result, as: UTF8.self)
    }
}

extension WorkerSpecification {
    /// The placeholders' values for one instance.
    public func placeholders(instance: Int) -> Placeholders {
        Placeholders(worker: self.name, instance: instance, port: self.basePort.map { $0 + instance })
    }
}
