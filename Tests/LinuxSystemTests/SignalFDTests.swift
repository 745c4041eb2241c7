import Glibc
import LinuxSystem
import Testing

@Suite struct SignalFDTests {
    @Test func signalsArriveAsRecordsInsteadOfEndingTheProcess() async {
        await #expect(processExitsWith: .success) {
            let signals = try SignalFD(signals: [SIGTERM, SIGHUP, SIGCHLD])
            #expect(try signals.drain().isEmpty)
            // To this thread, because the test's other threads were there before and do not block them.
            pthread_kill(pthread_self(), SIGTERM)
            pthread_kill(pthread_self(), SIGHUP)
            pthread_kill(pthread_self(), SIGHUP)
            let received = try signals.drain()
            #expect(Set(received.map(\.number)) == [SIGTERM, SIGHUP])
            // Two of a kind became one.
            #expect(received.count == 2)
            #expect(received.allSatisfy { $0.senderPID == getpid() && $0.senderUID == getuid() })
            #expect(try signals.drain().isEmpty)
            signals.close()
        }
    }

    @Test func aNumberThatIsNoSignalThrows() {
        #expect(throws: Errno.invalidArgument) {
            let signals = try SignalFD(signals: [1000])
            signals.close()
        }
    }
}
