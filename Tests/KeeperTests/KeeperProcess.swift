import Glibc
import LinuxSystem
import Supervision
import TestSupport

/// A keeper in a process of its own, with the test's agent and its workers.
final class KeeperProcess {
    let directory: TemporaryDirectory
    let program: ChildProgram
    /// What lives as long as the keeper.
    var kept: TemporaryDirectory?

    /// The built test program, beside the test bundle.
    static let built = executable.dropLast("reeve".count) + "KeeperTestProgram"

    /// - Parameters:
    ///   - settings: those of the program's `keeper`, such as `silence=500`.
    ///   - behaviour: what the agents do wrong.
    init(
        slots: Int = 0,
        _ settings: [String] = [],
        behaviour: String = "",
        program: String? = nil,
        environment: [String: String] = [:],
        prefix: [String] = []
    ) throws {
        self.directory = try TemporaryDirectory()
        try self.directory.write(behaviour, to: "behaviour")
        self.program = try ChildProgram(
            prefix + [program ?? String(Self.built), "keeper", self.directory.path, "\(slots)"] + settings,
            environment: environment,
            standardOutput: self.directory.file("output"),
            standardError: self.directory.file("log")
        )
    }

    deinit {
        // What is left of a test that failed.
        if self.program.ended == nil {
            // It must not start another one.
            self.program.signal(SIGSTOP)
            for process in ProcessEntry.alive(withParent: self.program.pid) {
                sendSignal(SIGKILL, to: process.pid)
            }
        }
    }

    var log: String {
        self.directory.read("log")
    }

    /// A copy of the test program under a name that tells it what to do wrong.
    static func copy(_ name: String, behaviour: String, to directory: TemporaryDirectory) throws -> String {
        let path = directory.file("\(name)+\(behaviour)")
        // By another program: children of other tests would have this one's descriptor too until their exec, and nobody can
        // execute what somebody may write (ETXTBSY).
        let result = try run(["/bin/cp", String(Self.built), path])
        guard result.code == 0 else { throw UnexpectedAnswer("cp: \(result.errors)") }
        return path
    }

    /// The agent that runs now. By the keeper's word: a child of a dead agent, before its exec, looks like one too.
    var agent: ProcessEntry? {
        let line = self.directory.lines("log").last { $0.contains("started the agent pid=") }
        let word = line?.split(separator: " ").first { $0.hasPrefix("pid=") }
        guard let pid = word.flatMap({ Int32($0.dropFirst(4)) }), let process = ProcessEntry(pid: pid) else {
            return nil
        }
        return process.isAlive && process.parent == self.program.pid ? process : nil
    }

    /// The lines of the agents that said something since the begin, such as `agent 42 starts=1 …`.
    var agents: [String] {
        self.directory.lines("agents").filter { $0.hasPrefix("agent ") }
    }

    /// What agents wrote when they heard that their binary is trusted.
    var upgraded: [String] {
        self.directory.lines("agents").filter { $0.hasPrefix("upgraded ") }
    }

    /// Waits until the agent with this number since the begin has taken over; answers its pid.
    @discardableResult
    func agentBegins(_ number: Int, within limit: Duration = patience) throws -> Int32 {
        try self.eventually("agent \(number) begins", within: limit) { self.agents.count >= number }
        return Int32(self.agents[number - 1].split(separator: " ")[1]) ?? -1
    }

    func eventually(_ what: String, within limit: Duration = patience, _ condition: () throws -> Bool) throws {
        do {
            try TestSupport.eventually(what, within: limit, condition)
        } catch let error as TimedOut {
            throw TimedOut("\(error)\nthe keeper's log:\n\(self.log.suffix(4000))")
        }
    }

    /// Tells the keeper to end and waits for it.
    func end() throws -> WaitStatus {
        self.program.signal(SIGTERM)
        do {
            return try self.program.wait()
        } catch let error as TimedOut {
            throw TimedOut("\(error)\nthe keeper's log:\n\(self.log.suffix(4000))")
        }
    }
}

/// Where a symbolic link leads.
func target(of link: String) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
        guard let start = buffer.baseAddress else { return nil }
        let count = readlink(link, start, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }
}
