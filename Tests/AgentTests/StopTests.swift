import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    @Suite struct StopTests {
        @Test func aWorkerThatEndsOnTerminateIsStopped() throws {
            let agent = try AgentProcess(shellWorker("web", "sleep 1000 & \(lives)"))
            let pid = try agent.waitForPID(of: "web")
            let operation = try agent.operate("stop", "web", "?reason=maintenance")
            #expect(operation.state == "succeeded")
            #expect(operation.changed)
            #expect(operation.reason == "maintenance")
            #expect(operation.requestedBy == "uid:\(getuid())")
            #expect(operation.instances.map(\.outcome) == ["stopped"])
            #expect(ProcessEntry.alive(inSession: pid).isEmpty, "done means that nothing is left")
            let worker = try agent.worker("web")
            #expect(worker.state == "stopped")
            #expect(worker.desired == "down")
            let exit = try #require(try agent.exits(of: "web").first)
            expectSignaled(exit, SIGTERM, "SIGTERM", cause: "stopped", decision: "stay_down")
            #expect(exit.operationID == operation.id)
            #expect(exit.requestedBy == operation.requestedBy)
            #expect(exit.escalated == false)
        }

        @Test func aWorkerThatExitsZeroOnTerminateIsStoppedNotFinished() throws {
            let script = "trap 'exit 0' TERM; : >armed; while :; do sleep 0.05; done"
            let agent = try AgentProcess(shellWorker("web", script))
            try agent.eventually("the trap is set") { agent.directory.exists("armed") }
            try agent.operate("stop", "web")
            #expect(try agent.worker("web").state == "stopped")
            expectExited(
                try #require(try agent.exits(of: "web").first),
                code: 0,
                cause: "stopped",
                decision: "stay_down"
            )
        }

        @Test func whatHasLeftTheGroupIsToldToEndWithTheMainProcess() throws {
            let script =
                "setsid sh -c \"trap ': >told; exit 0' TERM; : >armed; while :; do sleep 0.05; done\" & " + lives
            // Nobody waits for the grace period: it is longer than the test's patience.
            let agent = try AgentProcess(shellWorker("web", script, #"stop = { grace = "10m" }"#))
            try agent.eventually("the trap is set") { agent.directory.exists("armed") }
            let operation = try agent.operate("stop", "web")
            #expect(agent.directory.exists("told"))
            #expect(agent.processes.isEmpty)
            #expect(try agent.exits(of: "web").first?.cause == "stopped")
            let transcript = operation.instances.flatMap(\.transcript).map(\.text)
            #expect(transcript.contains { $0.hasSuffix("left the group") }, "\(transcript)")
        }

        @Test func stopEscalatesToKillWhenTheGraceEnds() throws {
            let agent = try AgentProcess(shellWorker("stubborn", ignoresTerminate, #"stop = { grace = "300ms" }"#))
            let pid = try agent.waitForPID(of: "stubborn")
            try agent.eventually("TERM is ignored") { agent.directory.exists("stubborn.armed") }
            let operation = try agent.operate("stop", "stubborn")
            #expect(operation.state == "succeeded")
            #expect(ProcessEntry.alive(inSession: pid).isEmpty)
            #expect(agent.processes.isEmpty)
            #expect(try agent.worker("stubborn").state == "stopped")
            let exit = try #require(try agent.exits(of: "stubborn").first)
            expectSignaled(exit, SIGKILL, "SIGKILL", cause: "stop_timeout", decision: "stay_down")
            #expect(exit.escalated)
            #expect(exit.operationID == operation.id)
            let transcript = operation.instances[0].transcript.map(\.text).joined(separator: "\n")
            #expect(transcript.contains("TERM"), "\(transcript)")
            #expect(transcript.contains("KILL"), "\(transcript)")
        }

        @Test func noGraceKillsAtOnce() throws {
            let agent = try AgentProcess(shellWorker("stubborn", ignoresTerminate, #"stop = { grace = "1h" }"#))
            _ = try agent.waitForPID(of: "stubborn")
            try agent.eventually("TERM is ignored") { agent.directory.exists("stubborn.armed") }
            try agent.operate("stop", "stubborn", "?grace=0s")
            #expect(agent.processes.isEmpty)
            let exit = try #require(try agent.exits(of: "stubborn").first)
            expectSignaled(exit, SIGKILL, "SIGKILL", cause: "stopped", decision: "stay_down")
            #expect(exit.escalated == false, "no grace period passed")
        }

        @Test func aChildThatIgnoresTerminateIsKilledAfterItsParentEnded() throws {
            let script = """
                (trap '' TERM; : >armed; while :; do sleep 0.2; done) &
                \(lives)
                """
            let agent = try AgentProcess(shellWorker("web", script, #"stop = { grace = "300ms" }"#))
            _ = try agent.waitForPID(of: "web")
            try agent.eventually("TERM is ignored") { agent.directory.exists("armed") }
            try agent.operate("stop", "web")
            #expect(agent.processes.isEmpty)
            #expect(try agent.exits(of: "web").map(\.cause) == ["stopped"])
        }

        @Test func aStoppedProcessIsEndedToo() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            let pid = try agent.waitForPID(of: "web")
            sendSignal(SIGSTOP, to: pid)
            try agent.eventually("it is stopped") { ProcessEntry(pid: pid)?.state == "T" }
            try agent.operate("stop", "web")
            #expect(try agent.exits(of: "web").map(\.cause) == ["stopped"])
        }

        @Test func theConfiguredSignalIsSent() throws {
            let script = "trap 'exit 7' USR1; : >armed; while :; do sleep 0.05; done"
            let agent = try AgentProcess(shellWorker("web", script, #"stop = { signal = "USR1" }"#))
            try agent.eventually("the trap is set") { agent.directory.exists("armed") }
            try agent.operate("stop", "web")
            expectExited(
                try #require(try agent.exits(of: "web").first),
                code: 7,
                cause: "stopped",
                decision: "stay_down"
            )
        }

        @Test func stoppingWhatIsStoppedChangesNothing() throws {
            let agent = try AgentProcess(shellWorker("web", lives, "autostart = false"))
            #expect(try agent.worker("web").state == "stopped")
            #expect(try agent.operate("stop", "web").changed == false)
            #expect(try agent.operate("start", "web").changed)
            #expect(try agent.operate("start", "web").changed == false)
            #expect(try agent.operate("stop", "web").changed)
        }

        @Test func aSignalSentByNameIsToldAsKilledByItsOperation() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            let pid = try agent.waitForPID(of: "web")
            let operation = try agent.operate("signal", "web", "?signal=KILL")
            _ = try agent.waitForPID(of: "web", otherThan: pid)
            let exit = try #require(try agent.exits(of: "web").first)
            expectSignaled(exit, SIGKILL, "SIGKILL", cause: "killed", decision: "restart")
            #expect(exit.operationID == operation.id)
        }

        @Test func aStopAbortsARestartThatIsUnderWay() throws {
            let agent = try AgentProcess(shellWorker("stubborn", ignoresTerminate, #"stop = { grace = "1h" }"#))
            _ = try agent.waitForPID(of: "stubborn")
            try agent.eventually("TERM is ignored") { agent.directory.exists("stubborn.armed") }
            let asked = try agent.post("/v1/workers/stubborn/restart?wait=none")
            #expect(asked.status == 202)
            let restart: OperationMessage = try asked.decode()
            let stop = try agent.operate("stop", "stubborn", "?grace=0s")
            #expect(try agent.worker("stubborn").state == "stopped")
            let aborted: OperationMessage = try agent.get("/v1/operations/\(restart.id)").decode()
            #expect(aborted.state == "aborted")
            #expect(aborted.abortedBy == stop.id)
            #expect(agent.processes.isEmpty)
        }
    }
}
