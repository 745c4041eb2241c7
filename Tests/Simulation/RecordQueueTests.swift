import Glibc
import History
import LinuxSystem
import Supervision
import Testing

@testable import Agent

@Suite(.timeLimit(.minutes(10)))
struct RecordQueueTests {
    private static let run = UUIDv7(high: 1, low: 1)

    private static let exit = HistorySubmission(transitions: [
        Transition(
            id: 0,
            at: Timestamp(nanosecondsSinceEpoch: 0),
            change: .exit(
                ExitRecord(
                    instance: InstanceID(worker: "web", index: 0),
                    runID: Self.run,
                    pid: 42,
                    startedAt: Timestamp(nanosecondsSinceEpoch: 0),
                    readyAt: nil,
                    endedAt: Timestamp(nanosecondsSinceEpoch: 0),
                    uptime: .zero,
                    waitStatus: WaitStatus(exitCode: 1),
                    outcome: .exited,
                    cause: .errorExit,
                    stderrTail: [],
                    decision: ExitDecision(action: .restart, delay: .zero, consecutiveFailures: 1)
                )
            )
        )
    ])

    /// Submits an exit, another one without a pipe behind it, and answers the last lines with which each was handed on.
    private func tails(_ drain: @escaping RecordQueue.Drain) throws -> [[String]] {
        let loop = try EventLoop(name: "test")
        var handedOn: [[String]] = []
        var calls = 0
        let queue = RecordQueue(
            loop: loop,
            captures: { _ in
                calls += 1
                return calls == 1
            },
            drain: drain,
            record: { submission in
                for transition in submission.transitions {
                    guard case .exit(let exit) = transition.change else { continue }
                    handedOn.append(exit.stderrTail)
                }
            }
        )
        // What this hands in is looked at in the next turn, after what is due then.
        let bound = LoopBound(queue, to: loop)
        loop.execute {
            let queue = bound.take()
            queue.submit(Self.exit)
            queue.submit(Self.exit)
            queue.finish { loop.stop() }
        }
        loop.run()
        return handedOn
    }

    @Test func aRecordGetsItsLines() throws {
        #expect(try self.tails { runs, answer in answer([runs[0]: ["the end"]]) } == [["the end"], []])
    }

    /// As when the process was stopped, or had no processor: the answer and the deadline are there at once.
    @Test func aPauseOfTheProcessCostsNoLines() throws {
        let tails = try self.tails { runs, answer in
            usleep(700_000)
            answer([runs[0]: ["the end"]])
        }
        #expect(tails == [["the end"], []])
    }

    @Test func aRecordDoesNotWaitForEver() throws {
        #expect(try self.tails { _, _ in } == [[], []])
    }
}
