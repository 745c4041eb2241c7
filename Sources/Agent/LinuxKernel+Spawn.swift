import Glibc
import Keeper
import LinuxSystem
import Output
import Supervision

extension LinuxKernel {
    /// How long the outcome of a start may wait. When it is there, the lane is running where the new process wants to go
    /// on into its program, and soon after a restart the loop tells of it anyway.
    private static let outcomeDelay = Duration.milliseconds(1)

    func spawn(_ plan: SpawnPlan) {
        guard !self.isHandedOver else { return }
        let run = Run(plan: plan)
        self.runs[plan.run] = run
        let bound = LoopBound(self, to: self.loop)
        let loop = self.loop
        let environment = self.environment
        let introduction = self.custody?.introduction(of: plan.run)
        let record = self.custody?.journal?.record(of: plan.run)
        run.ticket = self.spawner.submit { lane in
            let result = Self.startRun(plan, environment, introduction, record, on: lane)
            loop.execute(within: Self.outcomeDelay) { bound.take().spawnReturned(plan.run, result) }
        }
        // Where the lane was woken on this thread's processor, it goes on now and not when this turn is over.
        sched_yield()
    }

    /// A process that became its program, and the read ends of its pipes.
    struct Child: Sendable {
        var spawned: Spawned
        var streams: CapturedStreams
        /// What it said of itself to the keeper; `nil` when it could not.
        var introduced: CustodyNote?
    }

    private static func startRun(
        _ plan: SpawnPlan,
        _ environment: WorkerEnvironment,
        _ introduction: Custody.Introduction?,
        _ record: SpawnRequest.PIDRecord?,
        on lane: SpawnLane
    ) -> Result<Child, StartError> {
        let pipes: RunPipes
        do throws(StartError) {
            pipes = try RunCapture.pipes(for: plan.specification.output)
        } catch {
            return .failure(error)
        }
        let streams = RunCapture.streams(plan.specification.output, pipes.standardOutput, pipes.standardError)
        var introduction = introduction
        introduction?.note.mergesError = plan.specification.output.standardError == .standardOutput
        let ends = pipes.readEnds
        let announcement = introduction?.announcement(
            pipes: ends.map { RunAnnouncement.Pipe($0.stream) },
            descriptors: ends.map(\.descriptor)
        )
        switch Self.start(plan, plan.specification.command, environment, streams, announcement, record, on: lane) {
        case .success(let spawned):
            let introduced = spawned.announcementError == nil ? introduction?.note : nil
            return .success(Child(spawned: spawned, streams: pipes.started(), introduced: introduced))
        case .failure(let error):
            pipes.discard()
            return .failure(error)
        }
    }

    /// On a spawn lane, where waiting for a disk is allowed: reads the environment file, finds the executable, creates the
    /// process.
    private static func start(
        _ plan: SpawnPlan,
        _ command: [String],
        _ environment: WorkerEnvironment,
        _ streams: (output: SpawnRequest.Stream, error: SpawnRequest.Stream),
        _ announcement: SpawnAnnouncement? = nil,
        _ record: SpawnRequest.PIDRecord? = nil,
        on lane: SpawnLane
    ) -> Result<Spawned, StartError> {
        let specification = plan.specification
        let placeholders = specification.placeholders(instance: plan.instance.index)
        let arguments = command.map { WorkerEnvironment.expand($0, placeholders) }
        do throws(StartError) {
            let variables = try environment.variables(for: plan)
            let executable = try Self.executable(arguments[0], variables, specification.directory)
            let request = SpawnRequest(
                executable: executable,
                arguments: arguments,
                environment: variables,
                directory: specification.directory,
                standardOutput: streams.output,
                standardError: streams.error,
                announcement: announcement,
                record: record
            )
            do throws(SpawnFailure) {
                return .success(try lane.spawn(request))
            } catch {
                throw StartError(
                    stage: error.stage.rawValue,
                    errno: error.errno.rawValue,
                    errnoName: error.errno.name,
                    message: error.message
                )
            }
        } catch {
            return .failure(error)
        }
    }

    private static func executable(
        _ name: String,
        _ variables: [String],
        _ directory: String?
    ) throws(StartError) -> String {
        do throws(Errno) {
            return try ExecutableLookup.resolve(name, environment: variables, directory: directory)
        } catch {
            let path = variables.first { $0.hasPrefix("PATH=") } ?? "PATH="
            let message =
                error.rawValue == ENOENT
                ? "cannot find \(name) in \(path)"
                : "cannot execute \(name): \(error); the files of that name in \(path) may not be executed"
            throw StartError(stage: "exec", errno: error.rawValue, errnoName: error.name, message: message)
        }
    }

    func spawnReturned(_ id: RunID, _ result: Result<Child, StartError>) {
        guard let run = self.runs[id] else { return }
        run.ticket = nil
        switch result {
        case .failure(let error):
            self.runs[id] = nil
            self.custody?.failed(id)
            self.deliver?(.spawnFailed(run.plan.instance, id, error))
        case .success(let child):
            let spawned = child.spawned
            self.custody?.began(
                id,
                pid: spawned.pid,
                process: spawned.pidfd,
                introduced: child.introduced,
                pipes: child.streams.readEnds.map { (RunAnnouncement.Pipe($0), $1) }
            )
            // Whatever becomes of it, what it writes is taken.
            self.capture.attach(child.streams, of: run.plan)
            run.pid = spawned.pid
            run.pidfd = spawned.pidfd
            do throws(Errno) {
                // Edge-triggered: the watch lasts until the process is reaped, and is not given up between its end and
                // the restart.
                run.registration = try self.loop.register(
                    spawned.pidfd.descriptor,
                    for: [.readable, .edgeTriggered]
                ) { [unowned self, unowned run] _ in
                    self.mainProcessEnded(run)
                }
                self.measureSoon(run)
                self.outOfMemory.began(run.plan.instance, id, pid: spawned.pid)
                self.deliver?(.spawned(run.plan.instance, id, pid: spawned.pid))
            } catch {
                self.abandon(run, spawned, error)
            }
        }
    }

    /// The run is not wanted any more while its process is being created. The lane's answer comes as usual; a job that no
    /// lane had begun never answers, so that is done here, in the next turn.
    func abortSpawn(of run: Run) {
        guard let ticket = run.ticket, self.spawner.abort(ticket) == .dropped else { return }
        let id = run.plan.run
        self.loop.schedule(at: SuspendingClock.now) { [unowned self] in
            let errno = Errno(rawValue: ECANCELED)
            let error = StartError(
                stage: SpawnFailure.Stage.aborted.rawValue,
                errno: errno.rawValue,
                errnoName: errno.name,
                message: "the start was aborted before it began"
            )
            self.spawnReturned(id, .failure(error))
        }
    }

    /// A process that cannot be watched is not kept: its end would be missed.
    private func abandon(_ run: Run, _ spawned: Spawned, _ error: Errno) {
        _ = self.processes.killAll(leader: spawned.pid, runID: run.plan.run.description, leaderAlive: true)
        self.reapAbandoned(spawned.pidfd)
        self.runs[run.plan.run] = nil
        self.custody?.failed(run.plan.run)
        let failure = StartError(
            stage: "watch",
            errno: error.rawValue,
            errnoName: error.name,
            message: "cannot watch the process: \(error)"
        )
        self.deliver?(.spawnFailed(run.plan.instance, run.plan.run, failure))
    }

    private func reapAbandoned(_ pidfd: PIDFD) {
        if (try? pidfd.reap()) ?? true {
            pidfd.close()
            return
        }
        self.loop.schedule(at: SuspendingClock.now.advanced(by: .milliseconds(10))) { [unowned self] in
            self.reapAbandoned(pidfd)
        }
    }

    // MARK: The stop command

    func runStopCommand(_ plan: SpawnPlan) {
        guard let run = self.runs[plan.run] else { return }
        run.stopSignal = plan.specification.stop.signal
        let bound = LoopBound(self, to: self.loop)
        let loop = self.loop
        let environment = self.environment
        _ = self.spawner.submit { lane in
            // What it says goes into no file: those hold what the runs wrote.
            let streams = RunCapture.streams(plan.specification.output, nil, nil)
            let result = Self.start(plan, plan.specification.stop.command, environment, streams, on: lane)
            loop.execute { bound.take().stopCommandReturned(plan, result) }
        }
    }

    private func stopCommandReturned(_ plan: SpawnPlan, _ result: Result<Spawned, StartError>) {
        switch result {
        case .failure(let error):
            guard let run = self.runs[plan.run], !run.isEnded else { return }
            let signal = plan.specification.stop.signal
            _ = self.terminate(plan.run, with: signal)
            self.note(plan, "the stop command failed: \(error.message); \(signal) sent instead")
        case .success(let spawned):
            let command = StopCommand(pidfd: spawned.pidfd, pid: spawned.pid)
            do throws(Errno) {
                command.registration = try self.loop.register(spawned.pidfd.descriptor, for: .readable) {
                    [unowned self] _ in
                    self.stopCommandEnded(command, plan)
                }
            } catch {
                Glibc.kill(-spawned.pid, SIGKILL)
                self.reapAbandoned(spawned.pidfd)
                return
            }
            guard let run = self.runs[plan.run], !run.isCleared else {
                // The run ended before its stop command began.
                Glibc.kill(-spawned.pid, SIGKILL)
                return
            }
            run.stopCommand = command
        }
    }

    private func stopCommandEnded(_ command: StopCommand, _ plan: SpawnPlan) {
        guard let exit = (try? command.pidfd.peek()) ?? nil else { return }
        // Its group may go with it: the number is only sure to be its own while it is a zombie.
        Glibc.kill(-command.pid, SIGKILL)
        if let registration = command.registration {
            self.loop.deregister(registration)
        }
        _ = try? command.pidfd.reap()
        command.pidfd.close()
        if let run = self.runs[plan.run], run.stopCommand === command {
            run.stopCommand = nil
        }
        switch WaitStatus(rawValue: exit.waitStatus).kind {
        case .exited(let code): self.note(plan, "the stop command exited with code \(code)")
        case .signaled(let signal, _): self.note(plan, "the stop command was ended by \(signal)")
        case .stopped, .continued, .invalid: break
        }
    }

    private func note(_ plan: SpawnPlan, _ text: String) {
        self.deliver?(.noted(plan.instance, text))
    }

    /// Nobody needs the stop command any more. Its own end is noticed as usual.
    func endStopCommand(of run: Run) {
        guard let command = run.stopCommand else { return }
        Glibc.kill(-command.pid, SIGKILL)
    }
}
