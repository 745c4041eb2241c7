internal import ControlMessages

/// The body of a POST: empty, or a JSON object whose members are options.
enum RequestBody {
    /// Adds the members of the body to the parameters. A body is taken only as `application/json`: a page of another site
    /// cannot send that without asking first. Nothing at all may come as anything, which is what `curl -d ''` sends.
    static func read(
        _ body: [UInt8],
        contentType: String?,
        into parameters: inout Parameters,
        for route: Route
    ) throws(Problem) {
        guard !body.isEmpty else { return }
        guard route.takesBody else { throw Problem(.invalidBody, "this takes no body") }
        guard let contentType, Self.isJSON(contentType) else {
            throw Problem(.unsupportedMediaType, "the body must come as Content-Type: application/json")
        }
        let value: JSONValue
        do {
            value = try JSONReader.read(body)
        } catch {
            throw Problem(
                .invalidBody,
                "the body is no JSON: line \(error.line), column \(error.column): \(error.message)"
            )
        }
        guard case .object(let members) = value else {
            throw Problem(.invalidBody, "the body is no JSON object")
        }
        for member in members {
            try parameters.add(member.name, try Self.text(member), for: route)
        }
    }

    /// What a body can say; each has one type, which openapi/reeve.yaml names.
    private static let options: Set<String> = [
        "action", "workers", "wait", "timeout", "instance", "count", "reason", "observe", "grace", "persist", "signal",
        "scope",
    ]

    private static let numbers: Set<String> = ["instance", "count"]

    /// The text that the member would have in the query.
    private static func text(_ member: JSONMember) throws(Problem) -> String {
        switch member.value {
        // A name that no route knows is refused as such afterwards, whatever its value is.
        case .string(let text): if !Self.numbers.contains(member.name), member.name != "persist" { return text }
        case .number(let text):
            if Self.numbers.contains(member.name) || !Self.options.contains(member.name) { return text }
        case .bool(let value):
            if member.name == "persist" || !Self.options.contains(member.name) { return value ? "true" : "false" }
        case .array(let elements):
            guard member.name == "workers" else { break }
            var names: [String] = []
            for element in elements {
                guard case .string(let name) = element, !name.isEmpty, !name.utf8.contains(UInt8(ascii: ",")) else {
                    throw Problem(.invalidBody, "workers is a list of names and globs, or \"all\"")
                }
                names.append(name)
            }
            // With a comma after the last one as well: a list of one worker called "all" is not the word that stands for
            // every worker.
            return names.map { $0 + "," }.joined()
        case .null, .object: break
        }
        throw Problem(.invalidBody, "\(member.name.prefix(64)) has a value of the wrong type")
    }

    /// `application/json`, alone or with `charset=utf-8`; the names are free in case (RFC 9110, section 8.3.1).
    private static func isJSON(_ contentType: String) -> Bool {
        let parts = contentType.lowercased().split(separator: ";", omittingEmptySubsequences: false).map { part in
            part.filter { $0 != " " && $0 != "\t" }
        }
        guard parts[0] == "application/json", parts.count <= 2 else { return false }
        return parts.count == 1 || parts[1] == "charset=utf-8" || parts[1] == "charset=\"utf-8\""
    }
}
