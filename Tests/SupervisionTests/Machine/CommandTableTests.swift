import Supervision
import Testing

/// The table of commands × states, each cell: what is done at once, and what follows the end of the run.
@Suite struct CommandTableTests {
    enum Command: String, Sendable { case start, stop, restart }

    struct Cell: Sendable, CustomTestStringConvertible {
        var command: Command
        var situation: Situation
        var state: InstanceState
        var changed: Bool
        var process: InstanceStateMachine.Action.Process.Kind
        /// The state after the end of the run; `nil` where no end is under way.
        var after: InstanceState?

        init(
            _ command: Command,
            _ situation: Situation,
            _ state: InstanceState,
            _ process: InstanceStateMachine.Action.Process.Kind,
            changed: Bool = true,
            after: InstanceState? = nil
        ) {
            self.command = command
            self.situation = situation
            self.state = state
            self.process = process
            self.changed = changed
            self.after = after
        }

        var testDescription: String { "\(self.command.rawValue) × \(self.situation.rawValue)" }
    }

    private static let table: [Cell] = [
        Cell(.start, .stopped, .starting, .spawn),
        Cell(.start, .failed, .starting, .spawn),
        Cell(.start, .finished, .starting, .spawn),
        Cell(.start, .backoff, .starting, .spawn),
        Cell(.start, .starting, .starting, .none),
        Cell(.start, .running, .running, .none, changed: false),
        Cell(.start, .stopping, .stopping, .none, after: .starting),
        Cell(.start, .restarting, .stopping, .none, after: .starting),
        Cell(.start, .startingToStop, .stopping, .none, after: .starting),
        Cell(.start, .stoppingRest, .stopping, .none, after: .starting),
        Cell(.start, .killed, .stopping, .none, after: .starting),
        Cell(.start, .clearing, .stopping, .none, after: .starting),

        Cell(.stop, .stopped, .stopped, .none, changed: false),
        Cell(.stop, .failed, .stopped, .none),
        Cell(.stop, .finished, .stopped, .none),
        Cell(.stop, .backoff, .stopped, .none),
        Cell(.stop, .starting, .stopping, .none, after: .stopped),
        Cell(.stop, .running, .stopping, .terminate, after: .stopped),
        Cell(.stop, .stopping, .stopping, .none, after: .stopped),
        Cell(.stop, .restarting, .stopping, .none, after: .stopped),
        Cell(.stop, .startingToStop, .stopping, .none, after: .stopped),
        Cell(.stop, .stoppingRest, .stopping, .none, after: .stopped),
        Cell(.stop, .killed, .stopping, .none, after: .stopped),
        Cell(.stop, .clearing, .stopping, .none, after: .stopped),

        Cell(.restart, .stopped, .starting, .spawn),
        Cell(.restart, .failed, .starting, .spawn),
        Cell(.restart, .finished, .starting, .spawn),
        Cell(.restart, .backoff, .starting, .spawn),
        Cell(.restart, .starting, .stopping, .none, after: .starting),
        Cell(.restart, .running, .stopping, .terminate, after: .starting),
        Cell(.restart, .stopping, .stopping, .none, after: .starting),
        Cell(.restart, .restarting, .stopping, .none, after: .starting),
        Cell(.restart, .startingToStop, .stopping, .none, after: .starting),
        Cell(.restart, .stoppingRest, .stopping, .none, after: .starting),
        Cell(.restart, .killed, .stopping, .none, after: .starting),
        Cell(.restart, .clearing, .stopping, .none, after: .starting),
    ]

    @Test func theTableIsWhole() {
        #expect(Self.table.count == 3 * Situation.allCases.count)
    }

    @Test(arguments: Self.table)
    func eachCommandDoesInEachStateWhatTheTableSays(cell: Cell) {
        var fixture = cell.situation.fixture()
        let before = fixture.machine.runID
        let changed: Bool
        let action: InstanceStateMachine.Action
        switch cell.command {
        case .start: (changed, action) = fixture.start()
        case .stop: (changed, action) = fixture.stop()
        case .restart: (changed, action) = (true, fixture.restart())
        }
        #expect(fixture.state == cell.state)
        #expect(fixture.machine.desired == (cell.command == .stop ? .down : .up))
        #expect(changed == cell.changed)
        #expect(action.process.kind == cell.process)
        #expect(action.exit == nil)
        if action.process.kind == .terminate {
            #expect(before.map { action.process == .terminate($0, .signal(.terminate)) } == true)
        }
        guard let after = cell.after else { return }
        let end = Situation.end(&fixture, in: cell.situation)
        #expect(fixture.state == after)
        #expect(end.process.kind == (after == .starting ? .spawn : .none))
        #expect(fixture.machine.runID != before)
    }

    @Test(arguments: Situation.allCases)
    func startAndRestartForgetFailuresWhereverTheyLeadToANewRun(situation: Situation) {
        var restarted = situation.fixture()
        restarted.restart()
        #expect(restarted.machine.consecutiveFailures == 0)
        guard situation != .starting, situation != .running else { return }
        var started = situation.fixture()
        started.start()
        #expect(started.machine.consecutiveFailures == 0)
    }

    @Test(arguments: Situation.allCases)
    func resetForgetsFailuresAndChangesNoStateButFailed(situation: Situation) {
        var fixture = situation.fixture()
        let state = fixture.state
        let desired = fixture.machine.desired
        let deadline = fixture.machine.deadline
        let failures = fixture.machine.consecutiveFailures
        let changed = fixture.reset()
        #expect(fixture.machine.consecutiveFailures == 0)
        if situation == .failed {
            #expect(fixture.state == .stopped)
            #expect(fixture.machine.desired == .down)
            #expect(changed)
        } else {
            #expect(fixture.state == state)
            #expect(fixture.machine.desired == desired)
            #expect(fixture.machine.deadline == deadline)
            #expect(changed == (failures > 0))
        }
    }
}
