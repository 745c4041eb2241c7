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

    @Test func everySignalThatWaitsIsTakenHoweverManyThereAre() async {
        await #expect(processExitsWith: .success) {
            // SIGRTMIN + 3: signals of this kind wait one by one (signal(7)).
            let number: Int32 = 37
            let signals = try SignalFD(signals: [number])
            for count in [1, 15, 16, 17, 32, 50] {
                for _ in 0..<count {
                    pthread_kill(pthread_self(), number)
                }
                #expect(try signals.drain().map(\.number) == Array(repeating: number, count: count))
            }
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
