import Glibc
import LinuxSystem
import Testing

/// In processes of their own: a limit is one of the whole process.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct DescriptorLimitTests {
    @Test func itIsRaisedForThisProcessAndNotForItsChildren() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 300, rlim_max: 400)
            guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { exit(1) }
            let children = try ChildProcesses()
            guard try children.output(of: "ulimit -Sn; ulimit -Hn") == "300\n400\n" else { exit(2) }
            DescriptorLimit.raise()
            guard DescriptorLimit.current == 400 else { exit(3) }
            guard try children.output(of: "ulimit -Sn; ulimit -Hn") == "300\n400\n" else { exit(4) }
            // What was found first counts.
            DescriptorLimit.raise()
            guard try children.output(of: "ulimit -Sn; ulimit -Hn") == "300\n400\n" else { exit(5) }
        }
    }

    @Test func oneThatCannotBeRaisedStays() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 400, rlim_max: 400)
            guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { exit(1) }
            DescriptorLimit.raise()
            guard DescriptorLimit.current == 400 else { exit(2) }
            guard try ChildProcesses().output(of: "ulimit -Sn") == "400\n" else { exit(3) }
        }
    }
}
