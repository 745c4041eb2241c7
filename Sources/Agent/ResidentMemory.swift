import Glibc
import LinuxSystem

/// The largest resident memory that this process had, in bytes: the high-water mark of its present program alone.
struct ResidentMemory: Sendable {
    /// What getrusage(2) said at the start. It may be of the process that started the agent: the number goes on over execve.
    private let inherited: Int64

    init() {
        self.inherited = Self.maximumOfProcess()
    }

    /// Costs one system call once the agent is larger than whatever started it, else a small file of the kernel.
    func highWaterMark() -> Int64 {
        let maximum = Self.maximumOfProcess()
        return maximum > self.inherited ? maximum : Self.maximumOfProgram() ?? maximum
    }

    private static func maximumOfProcess() -> Int64 {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Int64(usage.ru_maxrss) * 1024
    }

    /// VmHWM of proc_pid_status(5), which is in units of 1024 bytes.
    private static func maximumOfProgram() -> Int64? {
        guard let text = SmallFile.text("/proc/self/status") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("VmHWM:") {
            let digits = line.dropFirst(6).drop { $0 == " " || $0 == "\t" }.prefix { $0.isNumber }
            return Int64(digits).map { $0 * 1024 }
        }
        return nil
    }
}
