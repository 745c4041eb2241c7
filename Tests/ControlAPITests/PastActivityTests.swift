import ControlMessages
import LinuxSystem
import Supervision
import Testing

@testable import ControlAPI
@testable import History

/// What the history tells of the time before the agent's beginning.
@Suite struct PastActivityTests {
    private struct Change {
        var worker = "web"
        var from: InstanceState
        var to: InstanceState
        /// How many hours before the agent's beginning it says to have been.
        var hoursAgo: Int64
    }

    /// A desk whose agent finds these changes in its history.
    private func desk(_ changes: [Change]) -> Desk {
        var recovery = HistoryRecovery.nothing
        recovery.lastTransitionID = Int64(changes.count)
        let desk = Desk(recovery: recovery, firstTransition: Int64(changes.count) + 1)
        let now = desk.timer.now.wall
        desk.history.contents.withLock { contents in
            contents.transitions = changes.enumerated().map { index, change in
                TransitionRecord(
                    Transition(
                        id: Int64(index + 1),
                        at: now.advanced(by: .seconds(-3600 * change.hoursAgo)),
                        change: .instance(
                            InstanceChange(
                                from: change.from,
                                to: change.to,
                                status: InstanceStatus(id: InstanceID(worker: change.worker, index: 0))
                            )
                        )
                    )
                )
            }
        }
        desk.apply(.configured([WorkerSpecification(name: "web", command: ["/usr/bin/web"])]))
        desk.apply(.recovered)
        return desk
    }

    private func instance(_ desk: Desk) throws -> InstanceMessage {
        let message: WorkerMessage = try desk.ask("GET", "/v1/workers/web").decode()
        return message.instances[0]
    }

    @Test func itsCountsGoOn() throws {
        let desk = self.desk([
            Change(from: .starting, to: .running, hoursAgo: 4), Change(from: .running, to: .backoff, hoursAgo: 2),
            Change(from: .backoff, to: .starting, hoursAgo: 0),
        ])
        #expect(try self.instance(desk).upShare24h == 0.5)
        #expect(try self.instance(desk).restarts.oneHour == 1)
    }

    /// Such as after a time in which the clock was wrong, or with one wrong bit in a record: the stream after it is older
    /// than anything that counts.
    @Test(arguments: [50, 49, 25, 1_000_000])
    func aClockThatWentBackIsNoTrouble(hoursAgo: Int64) throws {
        let desk = self.desk([
            Change(worker: "db", from: .starting, to: .running, hoursAgo: -350_000),
            Change(from: .starting, to: .running, hoursAgo: hoursAgo),
            Change(from: .running, to: .backoff, hoursAgo: hoursAgo - 1),
            Change(from: .backoff, to: .starting, hoursAgo: hoursAgo - 1),
            Change(from: .starting, to: .running, hoursAgo: hoursAgo - 1),
        ])
        #expect(try self.instance(desk).restarts.oneHour == 0)
        desk.timer.advance(by: .seconds(3600))
        _ = try self.instance(desk)
    }
}
