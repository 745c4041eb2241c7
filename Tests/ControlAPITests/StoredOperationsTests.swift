import ControlMessages
import LinuxSystem
import Supervision
import Testing

@testable import ControlAPI
@testable import History

/// Operations of the agents before, which only the history knows.
@Suite struct StoredOperationsTests {
    private let desk = Desk.withWorkers()

    /// One that failed by an exit, done before this agent began.
    private func old(_ reason: String) -> (Supervision.Operation, ExitRecord) {
        let exit = self.desk.exit(7)
        var operation = self.desk.operation(.restart, .failed)
        operation.reason = reason
        operation.finishedAt = self.desk.timer.now.wall
        var part = OperationInstance(instance: InstanceID(worker: "web", index: 0), oldRunID: self.desk.id())
        part.newRunID = exit.runID
        part.exitRunID = exit.runID
        part.outcome = .failed
        part.transcript = [TranscriptLine(at: self.desk.timer.now.wall, text: "TERM sent to 4 processes")]
        operation.instances = [part]
        return (operation, exit)
    }

    @Test func oneOfAnAgentBeforeIsShownWithItsExitAndTranscript() throws {
        let (operation, exit) = self.old("release 42")
        self.desk.history.contents.withLock { contents in
            contents.operations = [operation]
            contents.exits = [exit]
        }
        let message: OperationMessage = try self.desk.get("/v1/operations/\(operation.id)").decode()
        #expect(message.requestedBy == "uid:0" && message.reason == "release 42" && message.state == "failed")
        #expect(message.instances[0].transcript.map(\.text) == ["TERM sent to 4 processes"])
        #expect(message.instances[0].exit?.seq == 7)
        let unknown = try self.desk.refused(404, .unknownOperation, "GET", "/v1/operations/\(self.desk.id())")
        #expect(unknown.contains("or it is no longer kept"))
    }

    @Test func theListGoesOnWithThoseOfAgentsBefore() throws {
        let older = (1...3).map { self.old("old \($0)").0 }
        let new = self.desk.operation(.stop)
        self.desk.apply(.operation(new))
        // The history has the new one as well, as it was a moment ago.
        self.desk.history.contents.withLock { $0.operations = older + [new] }
        func listed(_ query: String) throws -> [String] {
            try self.desk.get("/v1/operations\(query)").decode(OperationsMessage.self).operations.map(\.id)
        }
        let all = ([new] + older.reversed()).map(\.id.description)
        #expect(try listed("") == all)
        #expect(try listed("?limit=3") == Array(all.prefix(3)))
        self.desk.history.contents.withLock { $0.questions = 0 }
        #expect(try listed("?limit=1") == Array(all.prefix(1)))
        #expect(self.desk.history.contents.withLock { $0.questions } == 0)
    }

    @Test func whileTheHistoryCannotBeReadTheKnownOnesAreListed() throws {
        let new = self.desk.operation(.stop)
        self.desk.apply(.operation(new))
        self.desk.history.contents.withLock { contents in
            contents.error = SQLiteError(extendedCode: 10, message: "disk I/O error")
            contents.status.degraded = "disk I/O error"
        }
        let list: OperationsMessage = try self.desk.get("/v1/operations").decode()
        #expect(list.operations.map(\.id) == [new.id.description])
        try self.desk.refused(503, .historyUnavailable, "GET", "/v1/operations/\(self.desk.id())")
        self.desk.history.contents.withLock { $0.error = nil }
        try self.desk.refused(503, .historyUnavailable, "GET", "/v1/operations/\(self.desk.id())")
    }
}
