import CLinux
import Glibc
import LinuxSystem
import Synchronization
import Testing

/// The lanes: order, growth when a spawn hangs, abortion.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct SpawnerLaneTests {
    /// A program whose exec hangs until it is let go: somebody holds a write lease on it, and the kernel waits for its
    /// return (fcntl(2), F_SETLEASE), 45 seconds at most.
    struct HangingProgram {
        let directory: TemporaryDirectory
        let path: String
        private let holder: Int32

        init() throws {
            self.directory = try TemporaryDirectory()
            self.path = try self.directory.file("hangs", "#!/bin/sh\nexit 0\n")
            self.holder = open(self.path, O_RDONLY | O_CLOEXEC)
            // F_SETSIG: SIGURG, which is ignored by default, instead of SIGIO, which ends the process.
            try #require(fcntl(self.holder, 10, SIGURG) == 0)
            // F_SETLEASE
            let holder = self.holder
            // A child of another test has the file open for writing until its exec, as this one had.
            try #require(eventually { fcntl(holder, 1024, Int32(F_WRLCK)) == 0 })
        }

        /// Lets the execs go on.
        func release() {
            close(self.holder)
        }

        var request: SpawnRequest {
            SpawnRequest(executable: self.path, arguments: ["hangs"], environment: [])
        }
    }

    typealias Outcome = Box<Result<Spawned, SpawnFailure>>

    static func submit(_ request: SpawnRequest, to spawner: Spawner) -> (Spawner.Ticket, Outcome) {
        let outcome = Outcome()
        let ticket = spawner.submit { lane in
            do throws(SpawnFailure) {
                outcome.put(.success(try lane.spawn(request)))
            } catch {
                outcome.put(.failure(error))
            }
        }
        return (ticket, outcome)
    }

    @Test func jobsRunInTheirOrderOnOneThreadWithTheLanesName() throws {
        let spawner = try Spawner(name: "lane-test", growsAfter: .seconds(3600))
        let log = Locked<[Int]>([])
        let threads = Locked<Set<pthread_t>>([])
        let done = Box<String>()
        for number in 0..<100 {
            spawner.submit { _ in
                log.withLock { $0.append(number) }
                _ = threads.withLock { $0.insert(pthread_self()) }
            }
        }
        spawner.submit { _ in done.put(Self.threadName()) }
        #expect(done.take() == "lane-test")
        #expect(log.withLock { $0 } == Array(0..<100))
        #expect(threads.withLock { $0.count } == 1)
    }

    static func threadName() -> String {
        let file = open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        return String(SpawnerTests.readAll(file).dropLast())
    }

    @Test func aSpawnThatHangsDelaysNobodyElseLongerThanTheGrowthTime() throws {
        let program = try HangingProgram()
        defer { program.directory.remove() }
        let spawner = try Spawner(name: "hang-test", growsAfter: .milliseconds(20))
        let (_, hanging) = Self.submit(program.request, to: spawner)
        for _ in 0..<20 {
            let (_, other) = Self.submit(
                SpawnRequest(executable: "/bin/true", arguments: ["true"], environment: []),
                to: spawner
            )
            #expect(try ChildProcesses.end(of: other.take().get()).waitStatus == 0)
        }
        #expect(hanging.isEmpty)
        let load = spawner.load
        // Two are enough; on a loaded machine a usual spawn may take longer than the growth time as well.
        #expect(load.lanes >= 2)
        #expect(load.hung >= 1)
        #expect(load.waiting == 0)
        program.release()
        #expect(try ChildProcesses.end(of: hanging.take().get()).waitStatus == 0)
        #expect(eventually { spawner.load.busy == 0 })
    }

    @Test func anAlertedLaneTakesTheJobThatComesAndSleepsWhenNoneDoes() throws {
        let spawner = try Spawner(name: "alert-test")
        for round in 0..<200 {
            spawner.alert()
            if round % 2 == 0 {
                for _ in 0..<(round * 53 % 3000) { spin() }
            }
            guard round % 5 != 0 else { continue }
            let (_, outcome) = Self.submit(
                SpawnRequest(executable: "/bin/true", arguments: ["true"], environment: []),
                to: spawner
            )
            #expect(try ChildProcesses.end(of: outcome.take().get()).waitStatus == 0)
        }
        #expect(eventually { spawner.load.busy == 0 && spawner.load.waiting == 0 })
    }

    @Test func aHangingSpawnIsAbortedWithoutATrace() throws {
        let program = try HangingProgram()
        defer { program.directory.remove() }
        let spawner = try Spawner(name: "abort-test")
        let (ticket, hanging) = Self.submit(program.request, to: spawner)
        // Aborting is possible at every moment; this one is when it hangs in exec.
        #expect(eventually { spawner.load.hung == 1 })
        #expect(hanging.isEmpty)
        #expect(spawner.abort(ticket) == .requested)
        #expect(throws: SpawnFailure.self) { try hanging.take().get() }
        guard case .failure(let failure) = hanging.take() else { return }
        #expect(failure.stage == .aborted)
        #expect(failure.errno == .canceled)
        #expect(eventually { spawner.abort(ticket) == .ended })
        program.release()
    }

    /// What was its program for a moment is a process, whose end is told; an aborted one never was.
    @Test func abortingAtAnyMomentGivesEitherAProcessOrAFailure() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let spawner = try Spawner(name: "race-test")
        var counts = (dropped: 0, aborted: 0, spawned: 0)
        for round in 0..<300 {
            let begun = Box<Bool>()
            let outcome = Outcome()
            let ticket = spawner.submit { lane in
                begun.put(true)
                do throws(SpawnFailure) {
                    let script = ": >\(directory.path)/started.\(round); exec sleep 60"
                    outcome.put(.success(try lane.spawn(ChildProcesses.shell(script))))
                } catch {
                    outcome.put(.failure(error))
                }
            }
            if round % 3 != 0 {
                _ = begun.take()
                for _ in 0..<(round * 37 % 2000) { spin() }
            }
            if spawner.abort(ticket) == .dropped {
                counts.dropped += 1
                continue
            }
            switch outcome.take() {
            case .failure(let failure):
                #expect(failure.stage == .aborted)
                #expect(access("\(directory.path)/started.\(round)", F_OK) != 0, "it has run")
                counts.aborted += 1
            case .success(let spawned):
                try spawned.pidfd.send(SIGKILL)
                #expect(try ChildProcesses.end(of: spawned).waitStatus == SIGKILL)
                counts.spawned += 1
            }
        }
        #expect(counts.dropped + counts.aborted + counts.spawned == 300)
    }

    @Test func aJobThatHasNotBegunIsDropped() throws {
        let spawner = try Spawner(name: "drop-test", maximumLanes: 1)
        let release = Box<Bool>()
        let entered = Box<Bool>()
        spawner.submit { _ in
            entered.put(true)
            #expect(release.take())
        }
        #expect(entered.take())
        let ticket = spawner.submit { _ in Issue.record("it ran though it was dropped") }
        let last = Box<Bool>()
        spawner.submit { _ in last.put(true) }
        #expect(spawner.abort(ticket) == .dropped)
        #expect(spawner.abort(ticket) == .ended)
        release.put(true)
        #expect(last.take())
    }

    @Test func atTheLimitOfLanesTheJobsWaitAndTheHungAreCounted() throws {
        let spawner = try Spawner(name: "limit-test", growsAfter: .milliseconds(5), maximumLanes: 3)
        let releases = (0..<3).map { _ in Box<Bool>() }
        for release in releases {
            spawner.submit { _ in #expect(release.take()) }
        }
        let last = Box<String>()
        spawner.submit { _ in last.put(Self.threadName()) }
        #expect(eventually { spawner.load == Spawner.Load(lanes: 3, busy: 3, hung: 3, waiting: 1) })
        #expect(last.isEmpty)
        releases[1].put(true)
        #expect(last.take().hasPrefix("limit-test"))
        releases[0].put(true)
        releases[2].put(true)
        #expect(eventually { spawner.load == Spawner.Load(lanes: 3, busy: 0, hung: 0, waiting: 0) })
    }

    @Test func aJobThatIsAbortedBeforeItSpawnsDoesNotSpawn() throws {
        let spawner = try Spawner(name: "early-test")
        let entered = Box<Bool>()
        let release = Box<Bool>()
        let outcome = Outcome()
        let ticket = spawner.submit { lane in
            entered.put(true)
            #expect(release.take())
            do throws(SpawnFailure) {
                outcome.put(.success(try lane.spawn(ChildProcesses.shell("exit 0"))))
            } catch {
                outcome.put(.failure(error))
            }
        }
        #expect(entered.take())
        #expect(spawner.abort(ticket) == .requested)
        release.put(true)
        #expect(throws: SpawnFailure.self) { try outcome.take().get() }
    }
}

/// A moment of nothing that the optimizer keeps.
@inline(never)
private func spin() {
    spins.add(1, ordering: .relaxed)
}

private let spins = Atomic<Int>(0)
