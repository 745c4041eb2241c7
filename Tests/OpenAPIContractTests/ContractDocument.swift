import ControlAPI
import Testing

/// The embedded OpenAPI document, taken apart.
struct ContractDocument {
    let root: OrderedJSON

    init() throws {
        self.root = try OrderedJSON(OpenAPIDocument.json)
    }

    /// One method on one path.
    struct Operation: CustomStringConvertible {
        var method: String
        var path: String
        /// Those of the path too, with their references resolved.
        var parameters: [OrderedJSON]
        var value: OrderedJSON

        var description: String {
            "\(self.method) \(self.path)"
        }

        func parameters(in place: String) -> [String] {
            self.parameters.filter { $0["in"]?.text == place }.compactMap { $0["name"]?.text }
        }
    }

    /// An example, with the name of the schema that it is an example of.
    struct Example {
        var place: String
        var mediaType: String
        /// `nil` for a schema that stands where it is used.
        var schema: String?
        var value: OrderedJSON
    }

    func operations() throws -> [Operation] {
        try #require(self.root["paths"]).members.flatMap { path in
            let shared = path.value["parameters"]?.elements ?? []
            return try path.value.members.filter { $0.name != "parameters" }.map { method in
                let own = method.value["parameters"]?.elements ?? []
                return Operation(
                    method: method.name.uppercased(),
                    path: path.name,
                    parameters: try (shared + own).map { try self.resolve($0) },
                    value: method.value
                )
            }
        }
    }

    /// The examples of all answers, each as often as an answer shows it.
    func responseExamples() throws -> [Example] {
        try self.operations().flatMap { operation in
            try #require(operation.value["responses"]).members.flatMap { response in
                try self.examples(in: try self.resolve(response.value), at: "\(operation) \(response.name)")
            }
        }
    }

    func requestExamples() throws -> [Example] {
        try self.operations().flatMap { operation in
            try operation.value["requestBody"].map { try self.examples(in: $0, at: "\(operation)") } ?? []
        }
    }

    private func examples(in holder: OrderedJSON, at place: String) throws -> [Example] {
        try (holder["content"]?.members ?? []).flatMap { media in
            try (media.value["examples"]?.members ?? []).map { example in
                Example(
                    place: "\(place) \(example.name)",
                    mediaType: media.name,
                    schema: media.value["schema"]?["$ref"]?.text.map { String($0.split(separator: "/").last ?? "") },
                    value: try #require(try self.resolve(example.value)["value"])
                )
            }
        }
    }

    func schema(_ name: String) throws -> OrderedJSON {
        try #require(self.root["components"]?["schemas"]?[name], "no schema \(name)")
    }

    /// The list of words of a schema or of one of its properties, closed or open.
    func words(_ schema: String, _ property: String? = nil) throws -> [String] {
        var value = try self.schema(schema)
        if let property {
            value = try self.resolve(try #require(value["properties"]?[property], "no \(property) in \(schema)"))
        }
        return try #require(value["enum"] ?? value["x-extensible-enum"]).elements.compactMap(\.text)
    }

    func resolve(_ value: OrderedJSON) throws -> OrderedJSON {
        guard let reference = value["$ref"]?.text else { return value }
        var target = self.root
        for part in reference.split(separator: "/").dropFirst() {
            target = try #require(target[String(part)], "nothing at \(reference)")
        }
        return try self.resolve(target)
    }
}
