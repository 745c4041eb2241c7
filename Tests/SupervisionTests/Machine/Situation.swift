import Supervision

/// Where an instance can be when somebody asks for something: the public states, and where one of them has several
/// inside, each of these.
enum Situation: String, CaseIterable, Sendable {
    case stopped
    case failed
    case finished
    case backoff
    case starting
    case running
    /// Told to end, its main process alive.
    case stopping
    /// Told to end, to be started again.
    case restarting
    /// Asked to end while its process is being created.
    case startingToStop
    /// Told to end; the main process has, other processes of it are left.
    case stoppingRest
    /// Told to end and killed after its grace period.
    case killed
    /// Ended by itself; what is left of it is being killed, and a restart follows.
    case clearing

    func fixture(_ change: (inout WorkerSpecification) -> Void = { _ in }) -> MachineFixture {
        var fixture = MachineFixture(change)
        if self == .stopped { return fixture }
        fixture.start()
        if self == .starting { return fixture }
        if self == .startingToStop {
            fixture.stop()
            return fixture
        }
        if self == .failed {
            fixture.spawnFailed(.missing)
            return fixture
        }
        fixture.spawned()
        switch self {
        case .stopped, .failed, .starting, .startingToStop, .running: break
        case .finished: fixture.exited(code: 0)
        case .backoff:
            fixture.crash()
            fixture.crash()
        case .stopping: fixture.stop()
        case .restarting: fixture.restart()
        case .stoppingRest:
            fixture.stop()
            fixture.exited(signal: .terminate, leavesProcesses: true)
        case .killed:
            fixture.stop()
            fixture.wait(.seconds(10))
        case .clearing: fixture.exited(code: 1, leavesProcesses: true)
        }
        return fixture
    }

    /// Where the instance is after what exists of its run has ended.
    static func end(_ fixture: inout MachineFixture, in situation: Situation) -> InstanceStateMachine.Action {
        switch situation {
        case .stopped, .failed, .finished, .backoff: .none
        case .starting, .startingToStop:
            fixture.spawnFailed(.tooManyProcesses)
        case .running, .stopping, .restarting, .killed:
            fixture.exited(signal: .terminate)
        case .stoppingRest, .clearing:
            fixture.cleared()
        }
    }
}
