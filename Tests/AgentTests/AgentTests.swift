import ControlMessages
import Testing

/// The whole product from outside: the built program, real processes, real HTTP. One test at a time, because they wait
/// for what the kernel and other programs do.
@Suite("The agent", .serialized, .timeLimit(.minutes(10)))
enum AgentTests {}

/// A script whose first run does `ending`, and whose later ones live until they are told to end.
func firstRun(_ ending: String) -> String {
    """
    ulimit -c 0
    if [ -e "$REEVE_WORKER.ran" ]; then exec sleep 1000; fi
    : >"$REEVE_WORKER.ran"
    \(ending)
    """
}

/// A script that lives until it is told to end.
let lives = "exec sleep 1000"

/// A script that ignores TERM, as its children do.
let ignoresTerminate = """
    trap '' TERM
    : >"$REEVE_WORKER.armed"
    while :; do sleep 0.2; done
    """

/// Holds a lock as long as anything of the run lives, whatever session or parent it has by then, and says so when the
/// run before still held it. Descriptor 9 is inherited by all that the script starts.
let complainsOfOverlap = """
    exec 9>"$REEVE_WORKER.lock"
    flock --nonblock 9 || echo "$$" >>"$REEVE_WORKER.overlaps"
    echo "$$" >>"$REEVE_WORKER.runs"

    """

/// Expects a record to tell of an end by an exit code.
func expectExited(
    _ exit: ExitMessage,
    code: Int32,
    cause: String,
    decision: String,
    _ location: SourceLocation = #_sourceLocation
) {
    #expect(exit.waitStatus == code << 8, sourceLocation: location)
    #expect(exit.outcome == "exited", sourceLocation: location)
    #expect(exit.exitCode == code, sourceLocation: location)
    #expect(exit.signal == nil, sourceLocation: location)
    #expect(exit.coreDumped == false, sourceLocation: location)
    #expect(exit.cause == cause, sourceLocation: location)
    #expect(exit.decision.action == decision, sourceLocation: location)
}

/// Expects a record to tell of an end by a signal, without a core file.
func expectSignaled(
    _ exit: ExitMessage,
    _ number: Int32,
    _ name: String,
    cause: String,
    decision: String,
    _ location: SourceLocation = #_sourceLocation
) {
    #expect(exit.waitStatus == number, sourceLocation: location)
    #expect(exit.outcome == "signaled", sourceLocation: location)
    #expect(exit.exitCode == nil, sourceLocation: location)
    #expect(exit.signal == SignalMessage(number: number, name: name), sourceLocation: location)
    #expect(exit.coreDumped == false, sourceLocation: location)
    #expect(exit.cause == cause, sourceLocation: location)
    #expect(exit.decision.action == decision, sourceLocation: location)
}
