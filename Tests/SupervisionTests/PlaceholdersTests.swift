import Supervision
import Testing

@Suite struct PlaceholdersTests {
    private static let placeholders = Placeholders(worker: "web", instance: 3, port: 8003)

    @Test(arguments: [
        ("", ""),
        ("plain text", "plain text"),
        ("{worker}", "web"),
        ("{instance}", "3"),
        ("{port}", "8003"),
        ("--bind=127.0.0.1:{port}", "--bind=127.0.0.1:8003"),
        ("{worker}.{instance}:{port}{worker}", "web.3:8003web"),
        ("/srv/{worker}/día", "/srv/web/día"),
    ])
    func aPlaceholderIsReplacedByItsValue(text: String, expected: String) throws {
        #expect(try Self.placeholders.expand(text) == expected)
    }

    @Test(
        arguments: [
            ("{{", "{"),
            ("}}", "}"),
            ("}", "}"),
            ("a}b", "a}b"),
            ("{{}}", "{}"),
            ("{{worker}}", "{worker}"),
            ("{{{worker}}}", "{web}"),
            ("{worker}}", "web}"),
            ("{worker}}}", "web}"),
            ("{{{{", "{{"),
            ("}}}", "}}"),
            ("{\"port\": {port}}", nil),
            ("{{\"port\": {port}}}", "{\"port\": 8003}"),
        ] as [(String, String?)]
    )
    func aDoubledBraceStandsForOne(text: String, expected: String?) {
        #expect((try? Self.placeholders.expand(text)) == expected)
    }

    @Test(
        arguments: [
            ("{host}", .unknown(name: "host", offset: 0)),
            ("{Worker}", .unknown(name: "Worker", offset: 0)),
            ("{ worker }", .unknown(name: " worker ", offset: 0)),
            ("{}", .unknown(name: "", offset: 0)),
            ("a {b{worker}", .unknown(name: "b{worker", offset: 2)),
            ("{worker} {x}", .unknown(name: "x", offset: 9)),
            ("día {x}", .unknown(name: "x", offset: 5)),
            ("{", .unclosed(offset: 0)),
            ("ab{worker", .unclosed(offset: 2)),
            ("{{{", .unclosed(offset: 2)),
        ] as [(String, Placeholders.Failure)]
    )
    func whatIsWrongIsToldWithItsOffsetInBytes(text: String, failure: Placeholders.Failure) {
        #expect(throws: failure) { try Self.placeholders.expand(text) }
    }

    @Test func aPortIsMissingWithoutABasePort() {
        let placeholders = Placeholders(worker: "web", instance: 0, port: nil)
        #expect(throws: Placeholders.Failure.noPort(offset: 5)) { try placeholders.expand("port={port}") }
        #expect(throws: Never.self) { try placeholders.expand("{worker}{instance}") }
    }

    @Test func valuesAreNotExpandedAgain() throws {
        let placeholders = Placeholders(worker: "{port}", instance: 0, port: 1)
        #expect(try placeholders.expand("{worker}") == "{port}")
    }

    @Test func thePortOfAnInstanceIsTheBasePortAndItsIndex() throws {
        var worker = WorkerSpecification(name: "web", command: ["/usr/bin/true"])
        #expect(worker.placeholders(instance: 2).port == nil)
        worker.basePort = 8000
        #expect(try worker.placeholders(instance: 2).expand("{worker}.{instance} on {port}") == "web.2 on 8002")
    }
}
