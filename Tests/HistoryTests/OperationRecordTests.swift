import Supervision
import TestSupport
import Testing

@testable import History

@Suite struct OperationRecordTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func operation(_ number: Int) -> Operation {
        var operation = Operation(
            id: Samples.operation(number),
            action: .restart,
            workers: ["web", "db"],
            state: .running,
            requestedBy: "token:deploy",
            reason: "release 42",
            createdAt: Samples.time(Int64(number))
        )
        for index in 0..<2 {
            var instance = OperationInstance(
                instance: InstanceID(worker: "web", index: index),
                oldRunID: Samples.run(index)
            )
            instance.outcome = .inProgress
            instance.transcript = [
                TranscriptLine(at: Samples.time(1), text: "TERM sent to 4 processes"),
                TranscriptLine(at: Samples.time(2), text: "a \"b\" \\ \n\t\u{1} \u{1f600}"),
            ]
            operation.instances.append(instance)
        }
        return operation
    }

    @Test func everyFieldOfAnOperationComesBack() throws {
        let first = WriterHarness(self.directory)
        var operation = self.operation(1)
        first.submit([Samples.transition(.operation(operation))])
        #expect(try first.store().operation(operation.id) == operation)
        #expect(try first.store().unfinishedOperations(limit: 10) == [operation])

        operation.state = .failed
        operation.changed = true
        operation.finishedAt = Samples.time(9)
        operation.abortedBy = Samples.operation(2)
        operation.error = "web.1 did not come up"
        operation.instances[1].newRunID = Samples.run(8)
        operation.instances[1].exitRunID = Samples.run(8)
        operation.instances[1].outcome = .failed
        operation.instances[1].transcript.append(TranscriptLine(at: Samples.time(3), text: ""))
        first.submit([Samples.transition(.operation(operation))])
        first.close()

        let second = WriterHarness(self.directory)
        #expect(try second.store().operation(operation.id) == operation)
        #expect(second.recovery.unfinishedOperations.isEmpty)
        #expect(try second.store().operation(Samples.operation(3)) == nil)
    }

    @Test func theNewestComeFirstAndUpdatesDoNotChangeThat() throws {
        let harness = WriterHarness(self.directory)
        for number in [5, 3, 9] {
            harness.submit([Samples.transition(.operation(self.operation(number)))])
        }
        var first = self.operation(5)
        first.state = .succeeded
        first.finishedAt = Samples.time(99)
        harness.submit([Samples.transition(.operation(first))])
        #expect(try harness.store().newestOperations(limit: 10).map(\.id) == [9, 3, 5].map(Samples.operation))
        #expect(try harness.store().newestOperations(limit: 1).map(\.id) == [Samples.operation(9)])
        let numbers = try harness.store().connection.rows("SELECT number FROM operations ORDER BY number") {
            $0.int64()
        }
        #expect(numbers == [1, 2, 3])
    }

    @Test func theInstancesOfADeletedOperationGoWithIt() throws {
        let harness = WriterHarness(self.directory)
        harness.submit([Samples.transition(.operation(self.operation(1)))])
        let connection = try harness.store().connection
        try connection.run("DELETE FROM operations")
        #expect(try connection.row("SELECT count(*) FROM operation_instances") { $0.int() } == 0)
    }
}
