import ArgumentParser
import ControlClient
import ControlMessages
import Testing

@testable import reeve

@Suite struct EventsViewTests {
    private func event(_ type: String, _ text: String, change: (inout EventMessage) -> Void = { _ in }) -> EventMessage
    {
        var event = EventMessage(id: 88, at: "2026-11-22T10:03:00.123Z", type: type, text: text)
        change(&event)
        return event
    }

    @Test func anEventIsALine() {
        var view = EventsView()
        let state = self.event("instance.state", "ready after 0.8 s") { event in
            (event.worker, event.instance, event.from, event.to) = ("web", 0, "starting", "running")
        }
        let scaled = self.event("worker.scaled", "") { event in
            (event.worker, event.from, event.to) = ("web", "1", "2")
        }
        let text = view.render(
            [state, scaled, self.event("agent.configured", "2 workers\u{1b}[2J"), self.event("agent.recovered", "")],
            now: Samples.now,
            width: nil,
            style: .plain,
            withHeader: true
        )
        #expect(
            text == #"""
                WHEN      WORKER    EVENT             WHAT HAPPENED
                10:03:00  web.0     instance.state    starting -> running: ready after 0.8 s
                10:03:00  web       worker.scaled     1 -> 2
                10:03:00  -         agent.configured  2 workers\x1b[2J
                10:03:00  -         agent.recovered   -

                """#
        )
        let later = view.render([scaled], now: Samples.now, width: nil, style: .plain, withHeader: false)
        #expect(later == "10:03:00  web       worker.scaled     1 -> 2\n")
    }

    @Test func linesAreMadeOfPieces() {
        var buffer = LineBuffer()
        #expect(buffer.append(Array("on".utf8)).isEmpty)
        let lines = buffer.append(Array("e\n\ntwo\nthr".utf8))
        #expect(lines.map { String(decoding: $0, as: UTF8.self) } == ["one", "", "two"])
        #expect(buffer.append(Array("ee\n".utf8)) == [Array("three".utf8)])
    }

    @Test func eventsTakesItsOptions() throws {
        let parsed = try Reeve.parseAsRoot(["events", "web", "api-*", "--since", "1h", "--type", "exit", "--no-follow"])
        let command = try #require(parsed as? EventsCommand)
        #expect(command.workers == ["web", "api-*"])
        #expect(command.since == "1h" && command.type == "exit" && !command.follow && !command.json)
        #expect(try #require(try Reeve.parseAsRoot(["events", "--follow"]) as? EventsCommand).follow)
        #expect((try? Reeve.parseAsRoot(["events", "--since", "1h", "--after", "3"])) == nil)
        #expect((try? Reeve.parseAsRoot(["events", "--after", "-3"])) == nil)
    }

    @Test func whatIsAskedForStandsInTheRequest() {
        var filter = EventsFilter()
        #expect(ControlRequest.events(filter).target == "/v1/events?format=ndjson")
        filter.workers = ["web", "api-*"]
        filter.types = "exit"
        filter.after = 7
        filter.follows = false
        #expect(
            ControlRequest.events(filter).target
                == "/v1/events?after=7&worker=web%2Capi-%2A&type=exit&follow=false&format=ndjson"
        )
        #expect(ControlRequest.events(filter).timeout == nil)
    }
}
