import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    /// Whatever becomes of the place of the output, workers run on, the agent says so, and what was written within the
    /// bound arrives afterwards.
    @Suite struct OutputTroubleTests {
        enum Trouble: String, CaseIterable {
            case full
            case readOnly
            case removed
            case symbolicLink
        }

        private static let script = """
            n=0
            while [ ! -e stop ]; do
                n=$((n + 1))
                echo "line $n"
                echo "$n" >count
                sleep 0.01
            done
            """

        @Test(arguments: Trouble.allCases)
        func workersRunOnAndTheirOutputArrives(trouble: Trouble) throws {
            guard let disk = try SmallDisk(size: "1m") else { return }
            let logs = "\(disk.path)/logs"
            let agent = try AgentProcess(shellWorker("web", Self.script, "restart = \"never\""), logs: logs)
            let file = "\(logs)/web/0.stdout.log"
            try agent.eventually("it writes") { contents(ofFile: file)?.isEmpty == false }
            switch trouble {
            case .full: try disk.fill()
            case .readOnly:
                // Another file system in its place, as the kernel makes none read-only in which a file is being written.
                #expect(mount("tmpfs", logs, "tmpfs", UInt(MS_RDONLY), nil) == 0)
            case .removed: #expect(rename(logs, "\(logs).away") == 0)
            case .symbolicLink:
                #expect(rename(logs, "\(logs).away") == 0)
                #expect(symlink("\(logs).away", logs) == 0)
            }
            if trouble == .removed {
                // It is made again, and there is nothing to say.
                try agent.eventually("there is another directory") { contents(ofFile: file)?.isEmpty == false }
            } else {
                // With the disk full there is still room in the last page.
                try agent.eventually("the agent says so", within: .seconds(240)) {
                    try agent.get("/v1/agent").text.contains("streams waits in memory")
                }
            }
            let count = Int(agent.directory.lines("count").first ?? "") ?? 0
            try agent.eventually("the worker runs on", within: .seconds(240)) {
                (Int(agent.directory.lines("count").first ?? "") ?? 0) > count + 50
            }
            switch trouble {
            case .full: disk.free()
            case .readOnly: #expect(umount2(logs, Int32(MNT_DETACH)) == 0)
            case .removed: break
            case .symbolicLink: #expect(unlink(logs) == 0)
            }
            try agent.directory.write("", to: "stop")
            #expect(try agent.waitForFirstExit(of: "web").exitCode == 0)
            let last = "line \(agent.directory.lines("count").first ?? "")\n"
            try agent.eventually("all is written", within: .seconds(60)) {
                String(decoding: contents(ofFile: file) ?? [], as: UTF8.self).hasSuffix(last)
            }
            let earlier = contents(ofFile: "\(logs).away/web/0.stdout.log") ?? []
            let all = String(decoding: earlier + (contents(ofFile: file) ?? []), as: UTF8.self)
            let lines = all.split(separator: "\n").filter { $0.hasPrefix("line ") }
            #expect(lines.map(String.init) == (1...max(1, lines.count)).map { "line \($0)" })
            try agent.eventually("all is well") { try agent.get("/v1/agent").text.contains("\"degraded\":[]") }
        }
    }
}
