import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    /// reeve as the first process of a container.
    @Suite(.enabled(if: ProcessNamespace.obstacle == nil, "\(ProcessNamespace.obstacle ?? "")"))
    struct FirstProcessTests {
        @Test func zombiesOfStrangersAreReapedAndTermEndsAll() throws {
            let space = try ProcessNamespace(
                shellWorker("web", "( setsid sleep 1000 & )\n" + lives, "instances = 2")
                    // What it leaves has no parent, and has nothing of the run in its environment.
                    + shellWorker("leaver", "( env -i setsid /bin/sleep 0.01 & ); " + lives)
            )
            _ = try space.waitForPID(of: "web")
            #expect(try space.agent().keeperPID == 1)
            // A hundred more, whose parents have ended.
            try space.run("for i in $(seq 100); do ( setsid sleep 0.0$((i % 10)) & ); done >/dev/null 2>&1")
            try space.eventually("no zombie is left") {
                try !space.run("cat /proc/[0-9]*/stat 2>/dev/null || :").split(separator: "\n").contains {
                    $0.contains(") Z ")
                }
            }
            sendSignal(SIGTERM, to: space.first)
            #expect(try space.waitForEnd() == 0)
            #expect(ProcessEntry.alive(inDirectory: space.directory.path).isEmpty)
        }

        @Test func theDeathOfTheAgentDoesNotEndIt() throws {
            let space = try ProcessNamespace(shellWorker("web", lives))
            let pid = try space.waitForPID(of: "web")
            let old = try space.agent().pid
            try space.run("kill -KILL \(old)")
            try space.eventually("another agent answers") { (try? space.agent().pid).map { $0 != old } ?? false }
            #expect(try space.waitForPID(of: "web") == pid)
            sendSignal(SIGTERM, to: space.first)
            #expect(try space.waitForEnd() == 0)
        }

        @Test(arguments: [("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("exit 0", 0)])
        func itEndsAsItsVitalWorkerDoes(ending: String, code: Int32) throws {
            let space = try ProcessNamespace(
                shellWorker("web", lives)
                    + shellWorker(
                        "main",
                        "until [ -e go ]; do sleep 0.02; done; \(ending)",
                        "vital = true\nrestart = \"never\""
                    )
            )
            _ = try space.waitForPID(of: "web")
            try space.directory.write("", to: "go")
            #expect(try space.waitForEnd() == code)
        }

        /// The agent is killed in the shutdown that a vital worker's end began.
        @Test func theCodeOutlivesTheAgent() throws {
            let script = """
                trap ': >told; until [ -e enough ]; do sleep 0.02; done; exit 0' TERM
                : >armed
                while :; do sleep 0.02; done
                """
            let space = try ProcessNamespace(
                shellWorker("slow", script, #"stop = { grace = "60s" }"#)
                    + shellWorker(
                        "main",
                        "until [ -e armed ]; do sleep 0.02; done; echo run >>runs; exit 9",
                        "vital = true\nrestart = \"never\""
                    )
            )
            try space.eventually("the other worker was told to end") { space.directory.exists("told") }
            let old = try space.agent().pid
            try space.run("kill -KILL \(old)")
            try space.eventually("another agent answers") { (try? space.agent().pid).map { $0 != old } ?? false }
            try space.directory.write("", to: "enough")
            #expect(try space.waitForEnd() == 9)
            #expect(space.directory.lines("runs") == ["run"], "the vital worker was not started again")
        }

        @Test func aConfigurationWithMistakesEndsItWithTwo() throws {
            let space = try ProcessNamespace("[workers.web]\ncommand = 7\n")
            #expect(try space.waitForEnd() == 2)
        }
    }
}
