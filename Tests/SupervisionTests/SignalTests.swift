import Glibc
import Supervision
import Testing

@Suite struct SignalTests {
    /// What `kill -l` prints, with the numbers of the C library the tests run on.
    private static let table: [(name: String, number: Int32)] = [
        ("HUP", SIGHUP), ("INT", SIGINT), ("QUIT", SIGQUIT), ("ILL", SIGILL), ("TRAP", SIGTRAP), ("ABRT", SIGABRT),
        ("BUS", SIGBUS), ("FPE", SIGFPE), ("KILL", SIGKILL), ("USR1", SIGUSR1), ("SEGV", SIGSEGV), ("USR2", SIGUSR2),
        ("PIPE", SIGPIPE), ("ALRM", SIGALRM), ("TERM", SIGTERM), ("STKFLT", 16), ("CHLD", SIGCHLD), ("CONT", SIGCONT),
        ("STOP", SIGSTOP), ("TSTP", SIGTSTP), ("TTIN", SIGTTIN), ("TTOU", SIGTTOU), ("URG", SIGURG), ("XCPU", SIGXCPU),
        ("XFSZ", SIGXFSZ), ("VTALRM", SIGVTALRM), ("PROF", SIGPROF), ("WINCH", SIGWINCH), ("IO", SIGIO),
        ("PWR", SIGPWR),
        ("SYS", SIGSYS),
    ]

    @Test func everyStandardSignalHasTheNameThatKillListsForIt() {
        #expect(Self.table.map(\.number) == Array(1...31))
        for (name, number) in Self.table {
            #expect(Signal(number).description == "SIG\(name)")
            for spelling in [name, "SIG\(name)", name.lowercased(), "sig\(name.lowercased())", "\(number)"] {
                #expect(Signal(name: spelling)?.number == number, "\(spelling)")
            }
        }
    }

    @Test func namedConstantsHaveTheNumbersOfTheCLibrary() {
        #expect(Signal.hangup.number == SIGHUP)
        #expect(Signal.interrupt.number == SIGINT)
        #expect(Signal.quit.number == SIGQUIT)
        #expect(Signal.abort.number == SIGABRT)
        #expect(Signal.kill.number == SIGKILL)
        #expect(Signal.segmentationViolation.number == SIGSEGV)
        #expect(Signal.terminate.number == SIGTERM)
        #expect(Signal.continue.number == SIGCONT)
    }

    @Test func theNameOfEverySignalThatCanBeSentIsReadBack() {
        for number in Int32(-1)...66 {
            let signal = Signal(number)
            #expect(signal.isValid == ((1...31).contains(number) || (34...64).contains(number)), "\(number)")
            #expect(Signal(name: signal.description) == (signal.isValid ? signal : nil), "\(number)")
        }
    }

    @Test func realTimeSignalsAreCountedFromBothEnds() {
        #expect(Signal(34).description == "SIGRTMIN")
        #expect(Signal(37).description == "SIGRTMIN+3")
        #expect(Signal(64).description == "SIGRTMIN+30")
        #expect(Signal(name: "RTMIN") == Signal(34))
        #expect(Signal(name: "SIGRTMIN+3") == Signal(37))
        #expect(Signal(name: "RTMIN+30") == Signal(64))
        #expect(Signal(name: "RTMAX") == Signal(64))
        #expect(Signal(name: "rtmax-1") == Signal(63))
        #expect(Signal(name: "RTMAX-30") == Signal(34))
    }

    @Test func synonymsAreRead() {
        #expect(Signal(name: "IOT") == .abort)
        #expect(Signal(name: "SIGCLD") == Signal(SIGCHLD))
        #expect(Signal(name: "poll") == Signal(SIGIO))
    }

    @Test(arguments: [
        "", "SIG", "0", "-1", "32", "33", "65", "SIG9", "SIGSIGTERM", "TERMINATE", " TERM", "TERM ", "9 ", "+9", "0x9",
        "RTMIN+31", "RTMAX-31", "RTMIN-1", "RTMAX+1", "RTMIN+", "RTMIN++3", "RTMIN+-0", "RTMIN+2147483647",
        "RTMAX-2147483647", "99999999999999999999", "ſEGV", "TERM\0",
    ])
    func whatCannotBeSentIsNoSignal(name: String) {
        #expect(Signal(name: name) == nil)
    }

    @Test func faultsAreTheSignalsWithWhichAProgramEndsItself() {
        let faults = [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS]
        for number in Int32(0)...64 {
            #expect(Signal(number).isFault == faults.contains(number), "\(number)")
        }
    }

    @Test func signalsAreOrderedByNumber() {
        #expect(Signal.hangup < Signal.kill)
        #expect(!(Signal.kill < Signal.kill))
    }
}
