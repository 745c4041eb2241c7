import ControlAPI
import ControlMessages
import Testing

/// The paths of the document against the route table: what one of them has, the other has too, and nothing else.
@Suite struct RoutesTests {
    @Test func methodsAndPathsAreThoseOfTheRouteTable() throws {
        let documented = try ContractDocument().operations().map(\.description).sorted()
        let routed = RouteTable.all.map { "\($0.method) \($0.pattern)" }.sorted()
        #expect(documented == routed)
    }

    @Test func queryParametersAreThoseOfTheRouteTable() throws {
        for (operation, route) in try Self.pairs() {
            #expect(operation.parameters(in: "query").sorted() == route.parameters.sorted(), "\(operation)")
        }
    }

    @Test func rolesAreThoseOfTheRouteTable() throws {
        for (operation, route) in try Self.pairs() {
            #expect(operation.value["x-role"]?.text == route.role?.rawValue ?? "open", "\(operation)")
        }
    }

    @Test func aBodyIsDocumentedWhereOneIsTakenAndHasTheNamesOfTheQuery() throws {
        let document = try ContractDocument()
        for (operation, route) in try Self.pairs() {
            let body = operation.value["requestBody"]
            #expect((body != nil) == route.takesBody, "\(operation)")
            guard let schema = body?["content"]?["application/json"]?["schema"] else { continue }
            let fields = try document.resolve(schema)["properties"]?.members.map(\.name) ?? []
            #expect(fields.sorted() == route.parameters.sorted(), "\(operation)")
        }
    }

    @Test func routesWithARoleCanRefuseTheCaller() throws {
        for (operation, route) in try Self.pairs() {
            let statuses = Set(operation.value["responses"]?.members.map(\.name) ?? [])
            #expect(statuses.contains("401") == (route.role != nil), "\(operation)")
            // A page of another site is refused everywhere.
            #expect(statuses.contains("403"), "\(operation)")
        }
    }

    /// Each documented operation with its route.
    private static func pairs() throws -> [(ContractDocument.Operation, Route)] {
        try ContractDocument().operations().map { operation in
            let route = RouteTable.all.first { $0.method == operation.method && $0.pattern == operation.path }
            return (operation, try #require(route, "\(operation) is no route"))
        }
    }
}
