import Glibc
import Keeper
import LinuxSystem

/// The processes of the keeper's tests: a keeper, the agent that it guards, and the workers of that agent.
///
/// Everything is written down as lines of files in one directory, by single writes, so that a test can compare afterwards
/// what the workers did with what the agents recorded.
@main struct Program {
    static func main() {
        signal(SIGPIPE, SIG_IGN)
        let arguments = CommandLine.arguments
        if Self.behaviour(of: arguments) == "cannot resume", getenv("REEVE_KEEPER_CHECK") != nil {
            exit(9)
        }
        if let code = KeeperMain.resume() {
            exit(code)
        }
        guard arguments.count >= 3 else { exit(64) }
        switch arguments[1] {
        case "keeper": exit(Self.keep(arguments))
        case "agent": TestAgent.run(directory: arguments[2], slots: Int(arguments[3]) ?? 0)
        case "worker": TestWorker.run(arguments)
        default: exit(64)
        }
    }

    /// keeper DIRECTORY SLOTS, and milliseconds as NAME=VALUE.
    private static func keep(_ arguments: [String]) -> Int32 {
        var options = KeeperOptions(
            stateDirectory: arguments[2],
            agentArguments: [arguments[0], "agent", arguments[2], arguments[3]]
        )
        for setting in arguments.dropFirst(4) {
            let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
            let duration = Duration.milliseconds(Int64(parts[1]) ?? 0)
            switch parts[0] {
            case "sign": options.signInterval = duration
            case "silence": options.silenceLimit = duration
            case "upgrade": options.upgradeLimit = duration
            case "observation": options.upgradeObservation = duration
            case "binary": options.binary = parts[1]
            default: return 64
            }
        }
        return KeeperMain.run(options)
    }

    /// What a program of this test is to do wrong: the name of its file after a dash.
    static func behaviour(of arguments: [String]) -> String {
        let path = Lines.target(ofLink: "/proc/self/exe")
        guard let dash = path.lastIndex(of: "+") else { return "" }
        return String(path[path.index(after: dash)...])
    }
}

/// Lines of files that several processes write to.
enum Lines {
    /// Adds a line by one write, which O_APPEND puts at the end.
    static func append(_ line: String, to path: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        let bytes = Array("\(line)\n".utf8)
        _ = write(file, bytes, bytes.count)
        close(file)
    }

    static func read(_ path: String) -> [Substring] {
        (SmallFile.text(path) ?? "").split(separator: "\n")
    }

    static func target(ofLink path: String) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            let count = readlink(path, start, buffer.count)
            return String(decoding: buffer[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}

/// A worker: worker DIRECTORY SLOT RUN MILLISECONDS END, where END is an exit code or minus a signal.
enum TestWorker {
    static func run(_ arguments: [String]) -> Never {
        let (directory, slot, run) = (arguments[2], arguments[3], arguments[4])
        let end = Int32(arguments[6]) ?? 0
        let lock = open("\(directory)/slot.\(slot)", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        let isAlone = flock(lock, LOCK_EX | LOCK_NB) == 0
        Lines.append("start \(run) \(slot) \(getpid()) \(isAlone ? "alone" : "double")", to: "\(directory)/journal")
        usleep((UInt32(arguments[5]) ?? 0) * 1000)
        let status = end < 0 ? -end : (end & 0xff) << 8
        Lines.append("end \(run) \(slot) \(status)", to: "\(directory)/journal")
        if end < 0 {
            var none = rlimit()
            setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
            kill(getpid(), -end)
            pause()
        }
        _exit(end)
    }
}
