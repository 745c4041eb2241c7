import ControlMessages
import Supervision
import TestSupport
import Testing

/// What a record must say: every field that a test can know.
struct ExpectedExit {
    var worker: String
    var waitStatus: WaitStatus?
    var cause: String
    /// Those that are as good as each other, when the test cannot know what else the system did.
    var oom = ["no"]
    var error: StartErrorMessage?
    var escalated = false
    var requestedBy: String?
    var operationID: String?
    var action: String
    var delay = 0.0
    var failures: Int

    /// Compares a record with all of it, and looks at whether the rest can be true.
    func check(_ exit: ExitMessage, _ location: SourceLocation = #_sourceLocation) {
        var expected = exit
        expected.worker = self.worker
        expected.instance = 0
        expected.waitStatus = self.waitStatus?.rawValue
        expected.exitCode = self.waitStatus?.exitCode
        expected.signal = self.waitStatus?.signal.map { SignalMessage(number: $0.number, name: $0.description) }
        expected.outcome =
            self.waitStatus == nil ? "not_started" : self.waitStatus?.signal == nil ? "exited" : "signaled"
        expected.coreDumped = self.waitStatus?.coreDumped ?? false
        expected.cause = self.cause
        expected.oom = self.oom.contains(exit.oom) ? exit.oom : self.oom[0]
        expected.error = self.error
        expected.escalated = self.escalated
        expected.requestedBy = self.requestedBy
        expected.operationID = self.operationID
        // What a shell says at its end is its own affair.
        expected.stderrTail = exit.stderrTail
        expected.decision = DecisionMessage(
            action: self.action,
            delaySeconds: self.delay,
            consecutiveFailures: self.failures
        )
        #expect(exit == expected, sourceLocation: location)
        self.checkTheRest(exit, location)
    }

    private func checkTheRest(_ exit: ExitMessage, _ location: SourceLocation) {
        #expect(exit.seq >= 1, sourceLocation: location)
        #expect(UUIDv7(exit.runID) != nil, sourceLocation: location)
        // RFC 3339 in UTC with milliseconds: the order of the texts is the order of the times.
        #expect(exit.startedAt <= exit.endedAt, sourceLocation: location)
        #expect((0...1000).contains(exit.uptimeSeconds), sourceLocation: location)
        guard self.waitStatus != nil else {
            #expect(exit.pid == nil && exit.readyAt == nil && exit.usage == nil, sourceLocation: location)
            return
        }
        #expect(exit.pid ?? 0 > 1, sourceLocation: location)
        #expect(exit.readyAt.map { exit.startedAt <= $0 && $0 <= exit.endedAt } == true, sourceLocation: location)
        #expect(
            exit.usage.map { $0.userSeconds >= 0 && $0.systemSeconds >= 0 && $0.maxRSSBytes ?? 1 > 0 } == true,
            sourceLocation: location
        )
    }
}

/// How often the kernel's out-of-memory killer was at work on this machine; `nil` when it does not tell.
func outOfMemoryKills() -> Int64? {
    let text = contents(ofFile: "/proc/vmstat").map { String(decoding: $0, as: UTF8.self) } ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
    return line.flatMap { Int64($0.dropFirst("oom_kill ".count)) }
}

/// What can be said of the SIGKILL of a stranger: another program on this machine may have run out of memory meanwhile.
/// - Parameter before: the count from before the agent began.
func oomOfAStrangersKill(since before: Int64?) -> [String] {
    guard let before else { return ["unknown", "no"] }
    return outOfMemoryKills() == before ? ["no"] : ["no", "suspected"]
}
