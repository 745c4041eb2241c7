import Configuration
import Glibc
import History
import Keeper
import LinuxSystem
import Logging
import Output
import Supervision

/// What the agent does when its keeper is gone: the workers' fate is what `on_keeper_death` says.
extension Agent {
    func keeperLost() {
        self.kernel.keeperLost()
        switch self.settings.agent.onKeeperDeath {
        case .kill:
            self.log.logger.error("the keeper has gone: kills all workers and ends, as on_keeper_death says")
            self.supervisor.assumeIsolated { supervisor in
                var request = OperationRequest(action: .shutdown, workers: [], requestedBy: "agent:on_keeper_death")
                request.grace = .zero
                request.reason = "the keeper is gone"
                _ = supervisor.submitAtOnce(request)
            }
        case .keep:
            self.log.logger.error("the keeper has gone: goes on without it, and waits for another one")
            self.waitForKeeper()
        }
    }

    private func waitForKeeper() {
        do throws(Errno) {
            self.takeover = try Takeover(in: self.settings.agent.stateDirectory, on: self.loop) { [unowned self] in
                self.handOver(to: $0)
            }
        } catch {
            self.log.logger.error(
                "cannot wait for another keeper: it will end this agent, and find the workers by itself",
                metadata: ["error": "\(error)"]
            )
        }
    }

    /// Commits what was decided, and gives everything to the next keeper. The agent ends with that.
    private func handOver(to handover: Takeover.Handover) {
        self.log.logger.notice("another keeper takes over", metadata: ["runs": "\(self.kernel.runs.count)"])
        let agent = LoopBound(self, to: self.loop)
        self.kernel.stopActing { agent.take().closeRooms(for: handover) }
    }

    private func closeRooms(for handover: Takeover.Handover) {
        let agent = LoopBound(self, to: self.loop)
        let (loop, history, output, control) = (self.loop, self.history, self.output, self.control)
        self.supervisor.assumeIsolated { $0.tell() }
        self.records.finish {
            history.loop.execute {
                history.assumeIsolated { $0.close() }
                output.loop.execute {
                    let pipes = output.assumeIsolated { $0.handOver() }
                    control.stop(afterTurns: 0) {
                        // After the commits were told, so that what is recorded is reaped here.
                        loop.execute { agent.take().finish(handover, pipes) }
                    }
                }
            }
        }
    }

    private func finish(
        _ handover: Takeover.Handover,
        _ pipes: [RunID: [(stream: StandardStream, descriptor: Int32)]]
    ) {
        self.kernel.handOver(pipes, to: handover)
        self.log.logger.notice("ended; another agent goes on")
        self.isHandedOver = true
        self.loop.stop()
    }
}
