import Supervision
import Testing

/// Which ends are followed by a restart: policy × end × the lists of `success` and `no_restart`.
@Suite struct RestartPolicyTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var policy: RestartPolicy
        var status: WaitStatus?
        var state: InstanceState
        var cause: ExitCause
        var action: ExitDecision.Action

        init(
            _ policy: RestartPolicy,
            _ status: WaitStatus?,
            _ state: InstanceState,
            _ cause: ExitCause,
            _ action: ExitDecision.Action
        ) {
            self.policy = policy
            self.status = status
            self.state = state
            self.cause = cause
            self.action = action
        }

        var testDescription: String {
            "\(self.policy.rawValue), status \(self.status.map { String($0.rawValue) } ?? "unknown")"
        }
    }

    private static let success = WaitStatus(exitCode: 0)
    private static let failure = WaitStatus(exitCode: 1)
    private static let crash = WaitStatus(signal: .segmentationViolation, coreDumped: true)
    private static let kill = WaitStatus(signal: .kill)
    private static let terminate = WaitStatus(signal: .terminate)

    private static let matrix: [Row] = [
        Row(.always, Self.success, .starting, .finished, .restart),
        Row(.always, Self.failure, .starting, .errorExit, .restart),
        Row(.always, Self.crash, .starting, .crashed, .restart),
        Row(.always, Self.kill, .starting, .killed, .restart),
        Row(.always, nil, .starting, .unknown, .restart),
        Row(.onFailure, Self.success, .finished, .finished, .stayDown),
        Row(.onFailure, Self.failure, .starting, .errorExit, .restart),
        Row(.onFailure, Self.crash, .starting, .crashed, .restart),
        Row(.onFailure, Self.kill, .starting, .killed, .restart),
        Row(.onFailure, Self.terminate, .starting, .killed, .restart),
        Row(.onFailure, nil, .starting, .unknown, .restart),
        Row(.never, Self.success, .finished, .finished, .stayDown),
        Row(.never, Self.failure, .failed, .errorExit, .stayDown),
        Row(.never, Self.crash, .failed, .crashed, .stayDown),
        Row(.never, Self.kill, .failed, .killed, .stayDown),
        Row(.never, nil, .failed, .unknown, .stayDown),
    ]

    @Test(arguments: Self.matrix)
    func thePolicyDecidesWhatFollowsAnEndThatNobodyAskedFor(row: Row) throws {
        var fixture = MachineFixture.running { $0.restart = row.policy }
        let action = fixture.exited(.init(status: row.status))
        let record = try #require(action.exit)
        #expect(record.cause == row.cause)
        #expect(record.decision.action == row.action)
        #expect(fixture.state == row.state)
        #expect(fixture.machine.desired == .up)
        #expect(action.process.kind == (row.state == .starting ? .spawn : .none))
    }

    @Test func aCodeAndASignalOfSuccessCount() {
        var byCode = MachineFixture.running { $0.success = [.code(0), .code(3)] }
        #expect(byCode.exited(code: 3).exit?.cause == .finished)
        #expect(byCode.state == .finished)
        var bySignal = MachineFixture.running { $0.success = [.signal(.terminate)] }
        #expect(bySignal.exited(signal: .terminate).exit?.cause == .finished)
        #expect(bySignal.state == .finished)
        var zero = MachineFixture.running { $0.success = [.signal(.terminate)] }
        #expect(zero.exited(code: 0).exit?.cause == .errorExit, "0 is no success where it is not listed")
    }

    @Test(arguments: [RestartPolicy.always, .onFailure, .never])
    func noRestartKeepsItDownUnderEveryPolicy(policy: RestartPolicy) throws {
        var fixture = MachineFixture.running {
            $0.restart = policy
            $0.noRestart = [.code(78), .signal(.quit)]
        }
        let record = try #require(fixture.exited(code: 78).exit)
        #expect(record.cause == .errorExit)
        #expect(record.decision.action == .stayDown)
        #expect(fixture.state == .failed)
        fixture.start()
        fixture.spawned()
        fixture.exited(signal: .quit)
        #expect(fixture.state == .failed)
    }

    @Test func successThatIsAlsoInNoRestartHasFinished() {
        var fixture = MachineFixture.running {
            $0.restart = .always
            $0.noRestart = [.code(0)]
        }
        fixture.exited(code: 0)
        #expect(fixture.state == .finished)
    }

    @Test(arguments: ["ENOENT", "EACCES", "ENOTDIR", "ELOOP", "ENOEXEC"])
    func whatCanNeverBeExecutedIsGivenUp(errnoName: String) throws {
        for policy in RestartPolicy.allCases {
            var fixture = MachineFixture { $0.restart = policy }
            fixture.start()
            var error = StartError.missing
            error.errnoName = errnoName
            let record = try #require(fixture.spawnFailed(error).exit)
            #expect(record.decision == ExitDecision(action: .giveUp, delay: .zero, consecutiveFailures: 1))
            #expect(fixture.state == .failed)
            #expect(fixture.machine.deadline == nil)
        }
    }

    @Test(arguments: [RestartPolicy.always, .onFailure])
    func anotherErrorOfTheStartBacksOff(policy: RestartPolicy) throws {
        var fixture = MachineFixture { $0.restart = policy }
        fixture.start()
        let first = fixture.spawnFailed(.tooManyProcesses)
        #expect(first.exit?.decision == ExitDecision(action: .restart, delay: .zero, consecutiveFailures: 1))
        #expect(first.process == .spawn(fixture.run))
        let second = fixture.spawnFailed(.tooManyProcesses)
        #expect(
            second.exit?.decision
                == ExitDecision(action: .restart, delay: .milliseconds(100), consecutiveFailures: 2)
        )
        #expect(second.process == .none)
        #expect(fixture.state == .backoff)
    }

    @Test func aStartThatFailsIsNotTriedAgainUnderNever() {
        var fixture = MachineFixture { $0.restart = .never }
        fixture.start()
        #expect(fixture.spawnFailed(.tooManyProcesses).exit?.decision.action == .stayDown)
        #expect(fixture.state == .failed)
    }
}
