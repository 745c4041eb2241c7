import LinuxSystem

@testable import Keeper

enum Samples {
    static let run = RunKey(high: 0x0190_aaaa_bbbb_7ccc, low: 0x8ddd_eeee_ffff_0001)

    static func announcement(_ number: UInt64 = 1) -> RunAnnouncement {
        RunAnnouncement(
            run: RunKey(high: Self.run.high, low: number),
            pid: 4242,
            worker: "web-1_a",
            instance: 3,
            startedAt: 1_764_000_000_123_456_789,
            replaces: RunAnnouncement.Replaced(
                run: Self.run,
                action: 1,
                delayNanoseconds: 100_000_000,
                consecutiveFailures: 2
            ),
            pipes: [.standardOutput, .standardError],
            details: Array("started by nobody".utf8)
        )
    }

    static let usage = ProcessUsage(
        user: .nanoseconds(1_234_567_890),
        system: .nanoseconds(987_654),
        maximumResidentBytes: 52_428_800
    )

    static let welcome = KeeperWelcome(
        keeperPID: 17,
        starts: 3,
        isInit: true,
        shutdownSignal: 15,
        signIntervalMilliseconds: 15_000,
        lostAnnouncements: 1,
        previousEnd: .ended(waitStatus: 139),
        upgrade: .rolledBack(reason: "the new binary ended before it was ready: exit code 1")
    )

    /// One of each message of the agent.
    static var agentMessages: [[UInt8]] {
        [
            AgentMessage.hello(7),
            AgentMessage.announce(Self.announcement()),
            AgentMessage.announce(RunAnnouncement(run: Self.run, worker: "w", instance: 0, startedAt: 0)),
            AgentMessage.committed(Self.run),
            AgentMessage.forget(Self.run),
            AgentMessage.plain(.alive),
            AgentMessage.plain(.ready),
            AgentMessage.plain(.reloading),
            AgentMessage.plain(.shuttingDown),
            AgentMessage.plain(.upgradeRequest),
            AgentMessage.plain(.bell),
            AgentMessage.plain(.upgradeConfirmed),
            AgentMessage.leaving(.ended(code: 143)),
            AgentMessage.leaving(.replaced),
        ]
    }

    /// The keeper's messages in some variety.
    static var keeperMessages: [[UInt8]] {
        let body = Array(AgentMessage.announce(Self.announcement()).dropFirst(HandoverProtocol.headerLength))
        return body.withUnsafeBytes { body in
            [
                KeeperMessage.welcome(Self.welcome),
                KeeperMessage.welcome(KeeperWelcome(keeperPID: 1, previousEnd: .silent, upgrade: .onTrial)),
                KeeperMessage.custody(
                    exit: nil,
                    isCommitted: false,
                    hasProcess: true,
                    pipeCount: 2,
                    announcement: body
                ),
                KeeperMessage.custody(
                    exit: .ended(waitStatus: 9, usage: Self.usage),
                    isCommitted: true,
                    hasProcess: false,
                    pipeCount: 0,
                    announcement: body
                ),
                KeeperMessage.custodyEnd(2),
                KeeperMessage.exited(Self.run, .ended(waitStatus: 256, usage: nil)),
                KeeperMessage.exited(Self.run, .neverExecuted),
                KeeperMessage.exited(Self.run, .unknown),
                KeeperMessage.upgradeAnswer(nil),
                KeeperMessage.upgradeAnswer("cannot open /x: No such file or directory"),
                KeeperMessage.upgradeDone(),
            ]
        }
    }

    static var state: KeeperState {
        KeeperState(
            options: KeeperOptions(
                stateDirectory: "/var/lib/reeve",
                agentArguments: ["reeve", "agent", "--config", "/etc/reeve/reeve.toml"],
                binary: "/usr/bin/reeve",
                signInterval: .milliseconds(1500)
            ),
            executable: 5,
            lock: -1,
            limits: InheritedLimits(openFiles: 1024, outOfMemoryScore: 0),
            transit: [12, 13, 14],
            starts: 12,
            shutdownSignal: 0,
            lostAnnouncements: 1,
            agent: KeeperState.Agent(
                pid: 99,
                pidfd: 7,
                socket: 8,
                bell: 15,
                phase: GuardedAgent.Phase.ready.rawValue,
                leaving: .ended(code: 3),
                cursor: 1,
                told: 1
            ),
            runs: [
                KeeperState.Run(
                    pid: 4242,
                    pidfd: 9,
                    pipes: [10, 11],
                    body: Array(AgentMessage.announce(Self.announcement()).dropFirst(HandoverProtocol.headerLength)),
                    isAdopted: true,
                    exit: .ended(waitStatus: 11, usage: Self.usage),
                    isZombie: true,
                    isCommitted: false,
                    isTold: true
                )
            ]
        )
    }
}

/// Reads bytes as one side does.
func agentMessage(_ bytes: [UInt8], descriptors: Int? = nil) throws(HandoverError) -> AgentMessage {
    try bytes.withUnsafeBytes { bytes in
        Result { () throws(HandoverError) in try AgentMessage(bytes, descriptors: descriptors) }
    }.get()
}

func keeperMessage(_ bytes: [UInt8], descriptors: Int? = nil) throws(HandoverError) -> KeeperMessage {
    try bytes.withUnsafeBytes { bytes in
        Result { () throws(HandoverError) in try KeeperMessage(bytes, descriptors: descriptors) }
    }.get()
}

func keeperState(_ bytes: [UInt8]) throws(HandoverError) -> KeeperState {
    try bytes.withUnsafeBytes { bytes in Result { () throws(HandoverError) in try KeeperState(bytes) } }.get()
}

/// SplitMix64: random numbers that a printed seed brings back.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var value = self.state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
