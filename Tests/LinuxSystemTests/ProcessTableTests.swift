import Glibc
import Testing

@testable import LinuxSystem

/// Each test has a process of its own that becomes a subreaper, so that its orphans are its own.
@Suite(
    .serialized,
    .timeLimit(.minutes(10)),
    .enabled(if: access("/proc/self/task/\(getpid())/children", R_OK) == 0, "the kernel lists no children of processes")
)
struct ProcessTableTests {
    /// A subreaper with a spawner and a table, and the runs that a test starts in it.
    struct Fixture {
        let children: ChildProcesses
        let table: ProcessTable

        init(usesChildrenLists: Bool = true) throws {
            // A process that does not become ready must not hang the test.
            alarm(300)
            try Subreaper.become()
            #expect(Subreaper.isOne)
            self.children = try ChildProcesses()
            self.table = try ProcessTable(usesChildrenLists: usesChildrenLists)
            #expect(self.table.listsChildren == usesChildrenLists)
        }

        /// Starts a run whose script says "ready" when what it starts is there; `self.path` is a shell's.
        func start(_ script: String, runID: String) throws -> Spawned {
            let pipe = try Pipe()
            var request = ChildProcesses.shell(
                script,
                environment: [ChildProcesses.path, "\(ProcessTable.runIDVariable)=\(runID)"]
            )
            request.standardOutput = .descriptor(pipe.writeEnd.rawValue)
            let spawned = try self.children.spawn(request)
            pipe.split { reader, writer in
                writer.close()
                var byte: UInt8 = 0
                #expect(read(reader.rawValue, &byte, 1) == 1, "the script did not become ready")
                reader.close()
            }
            return spawned
        }

        func members(_ leader: Spawned, _ runID: String, alive: Bool) -> [ProcessStat] {
            self.table.runMembers(leader: leader.pid, runID: runID, leaderAlive: alive)
        }

        /// Kills a run until nothing is found of it, and reaps everything.
        func end(_ leader: Spawned, _ runID: String) throws {
            #expect(
                eventually {
                    self.table.killAll(leader: leader.pid, runID: runID, leaderAlive: true) == 0
                        && !self.table.hasRemains(leader: leader.pid, runID: runID)
                }
            )
            _ = try ChildProcesses.end(of: leader)
            #expect(
                eventually {
                    self.table.reapStrangers()
                    return self.table.orphans().isEmpty
                }
            )
        }

        /// Makes the leader's end visible, without reaping it.
        func killLeaderOnly(_ leader: Spawned) throws {
            try leader.pidfd.send(SIGKILL)
            try ChildProcesses.waitForEnd(of: leader.pidfd)
        }
    }

    /// A process that others can be told from, on the whole machine: each test has a process of its own.
    static let nap = "sleep 300.\(getpid())"
    /// Closes the output, so that the test's read of it ends even when a child lives on.
    static let ready = "echo r; exec >&-;"
    /// A daemon: forks twice, in a session of its own.
    static let daemon = "setsid sh -c '\(nap) & exec \(nap)' >&- &"

    @Test func aLanesChildrenAreNotOrphansAndReparentedOnesAre() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            #expect(fixture.table.orphans().isEmpty)
            let leader = try fixture.start("\(Self.nap) >&- & \(Self.ready) wait", runID: "a")
            #expect(fixture.table.orphans().isEmpty)
            let own = SmallFile.text("/proc/self/task/\(getpid())/children") ?? "?"
            #expect(own == "")
            let child = fixture.table.descendants(of: [leader.pid])
            #expect(child.count == 1 && child[0].parent == leader.pid)
            try fixture.killLeaderOnly(leader)
            // Reparented in the moment of the parent's end, before that can be seen.
            #expect(fixture.table.orphans() == [child[0].pid])
            #expect(fixture.table.stat(of: child[0].pid)?.parent == getpid())
            try fixture.end(leader, "a")
        }
    }

    @Test(arguments: [true, false])
    func aRunsMembersAreFoundWhereverTheyWent(usesChildrenLists: Bool) async {
        await #expect(processExitsWith: .success) { [usesChildrenLists] in
            let fixture = try Fixture(usesChildrenLists: usesChildrenLists)
            // In the group; in a session of its own; a daemon's two, the parent of which ends at once.
            let leader = try fixture.start(
                """
                \(Self.nap) >&- &
                setsid \(Self.nap) >&- &
                (\(Self.daemon))
                while [ $(ps -eo args | grep -c '^\(Self.nap)$') -lt 4 ]; do :; done
                \(Self.ready) wait
                """,
                runID: "a"
            )
            let other = try fixture.start("sleep 301 >&- & \(Self.daemon) \(Self.ready) wait", runID: "b")
            let alive = fixture.members(leader, "a", alive: true)
            #expect(alive.count == 5, "\(alive)")
            #expect(alive.contains { $0.pid == leader.pid })
            try fixture.killLeaderOnly(leader)
            let remains = fixture.members(leader, "a", alive: false)
            #expect(Set(remains.map(\.pid)) == Set(alive.map(\.pid)).subtracting([leader.pid]), "\(remains)")
            #expect(fixture.table.hasRemains(leader: leader.pid, runID: "a"), "remains were overlooked")
            let others = fixture.members(other, "b", alive: true)
            #expect(!others.contains { remains.map(\.pid).contains($0.pid) }, "\(others)")
            #expect(
                eventually { fixture.table.killAll(leader: leader.pid, runID: "a", leaderAlive: false) == 0 },
                "the remains outlived SIGKILL"
            )
            #expect(!fixture.table.hasRemains(leader: leader.pid, runID: "a"), "zombies count as remains")
            // The other run is untouched.
            #expect(try other.pidfd.peek() == nil)
            #expect(eventually { fixture.members(other, "b", alive: true).count == 4 }, "the other run was touched")
            _ = try ChildProcesses.end(of: leader)
            guard usesChildrenLists else {
                // Every child counts as an orphan here, so the leader that is left must be excluded.
                #expect(eventually { fixture.table.reapStrangers(except: [other.pid]) == 0 })
                #expect(eventually { fixture.table.killAll(leader: other.pid, runID: "b", leaderAlive: true) == 0 })
                _ = try ChildProcesses.end(of: other)
                return
            }
            try fixture.end(other, "b")
        }
    }

    @Test func aRunWithoutRemainsCostsNoScan() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            let other = try fixture.start("\(Self.ready) exec \(Self.nap)", runID: "b")
            let leader = try fixture.start("\(Self.ready) exec \(Self.nap)", runID: "a")
            try fixture.killLeaderOnly(leader)
            #expect(fixture.table.orphans().isEmpty)
            #expect(!fixture.table.hasRemains(leader: leader.pid, runID: "a"))
            #expect(fixture.members(leader, "a", alive: true).isEmpty, "a zombie counts as a member")
            _ = try ChildProcesses.end(of: leader)
            try fixture.end(other, "b")
        }
    }

    @Test func aDaemonThatOverwroteItsEnvironmentIsKnownFromAnEarlierScan() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            // `env -i` stands for the overwriting: nothing in its environment tells.
            let leader = try fixture.start(
                """
                setsid env -i \(Self.nap) >&- &
                while ! ps -eo args | grep -q '^\(Self.nap)$'; do :; done
                \(Self.ready) wait
                """,
                runID: "a"
            )
            #expect(fixture.members(leader, "a", alive: true).count == 2)
            try fixture.killLeaderOnly(leader)
            #expect(fixture.members(leader, "a", alive: false).count == 1)
            try fixture.end(leader, "a")
        }
    }

    @Test func strangersAreReapedAndTheExcludedAreLeft() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            let leader = try fixture.start(
                "(\(Self.nap) >&- & \(Self.nap) >&- &); \(Self.ready) exec \(Self.nap)",
                runID: "a"
            )
            #expect(eventually { fixture.table.orphans().count == 2 })
            let orphans = fixture.table.orphans()
            #expect(fixture.table.reapStrangers() == 0, "a living one was reaped")
            for pid in orphans {
                kill(pid, SIGKILL)
            }
            #expect(eventually { orphans.allSatisfy { fixture.table.stat(of: $0)?.hasEnded == true } })
            #expect(fixture.table.reapStrangers(except: [orphans[0]]) == 1)
            #expect(fixture.table.orphans() == [orphans[0]])
            #expect(fixture.table.reapStrangers() == 1)
            try fixture.end(leader, "a")
        }
    }

    @Test func aDaemonIsFoundAndKilledWhenThereAreNoMoreDescriptors() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            let leader = try fixture.start(
                "(\(Self.daemon)) ; while [ $(ps -eo args | grep -c '^\(Self.nap)$') -lt 2 ]; do :; done; "
                    + "\(Self.ready) exec sleep 301",
                runID: "a"
            )
            try fixture.killLeaderOnly(leader)
            var limit = rlimit(rlim_cur: 64, rlim_max: 64)
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            var taken: [Int32] = []
            while case let number = open("/dev/null", O_RDONLY), number >= 0 {
                taken.append(number)
            }
            #expect(fixture.table.hasRemains(leader: leader.pid, runID: "a"), "taken for gone")
            #expect(
                eventually {
                    fixture.table.killAll(leader: leader.pid, runID: "a", leaderAlive: false)
                    return !fixture.table.hasRemains(leader: leader.pid, runID: "a")
                },
                "not killed"
            )
            let left = fixture.table.orphans().compactMap { fixture.table.stat(of: $0) }.filter { !$0.hasEnded }
            #expect(left.isEmpty, "\(left)")
            for number in taken {
                close(number)
            }
            try fixture.end(leader, "a")
        }
    }

    @Test func aDaemonOfAnotherRunStaysItsOwnWhenItWasSeenBefore() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            let first = try fixture.start("(\(Self.daemon)); \(Self.ready) exec sleep 301", runID: "a")
            let second = try fixture.start("(\(Self.daemon)); \(Self.ready) exec sleep 301", runID: "b")
            try fixture.killLeaderOnly(first)
            try fixture.killLeaderOnly(second)
            for _ in 0..<3 {
                #expect(eventually { fixture.members(first, "a", alive: false).count == 2 })
                #expect(eventually { fixture.members(second, "b", alive: false).count == 2 })
            }
            #expect(
                eventually {
                    fixture.table.killAll(leader: first.pid, runID: "a", leaderAlive: false)
                    return !fixture.table.hasRemains(leader: first.pid, runID: "a")
                }
            )
            #expect(fixture.members(second, "b", alive: false).count == 2, "the other run was touched")
            try fixture.end(second, "b")
            _ = try ChildProcesses.end(of: first)
        }
    }

    @Test func terminatingReachesTheGroupAStoppedMemberIncludedAndSaysHowMany() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            let leader = try fixture.start("\(Self.nap) >&- & \(Self.nap) >&- & \(Self.ready) wait", runID: "a")
            kill(-leader.pid, SIGSTOP)
            #expect(eventually { fixture.table.stat(of: leader.pid)?.state == UInt8(ascii: "T") })
            let count = try fixture.table.terminate(
                leader: leader.pid,
                runID: "a",
                leaderAlive: true,
                signal: SIGTERM
            )
            #expect(count == 3, "\(count)")
            try ChildProcesses.waitForEnd(of: leader.pidfd)
            #expect(eventually { !fixture.table.hasRemains(leader: leader.pid, runID: "a") })
            // The zombie still pins the group: the signal finds it, and nobody else.
            #expect(
                try fixture.table.signalGroup(leader: leader.pid, runID: "a", leaderAlive: false, signal: SIGTERM) == 0
            )
            try fixture.end(leader, "a")
        }
    }

    @Test func aScanThatFindsNewOrphansToItsLastLookDoesNotTakeTheRunForGone() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            let leader = try fixture.start("\(Self.ready) exec \(Self.nap)", runID: "a")
            try fixture.killLeaderOnly(leader)
            // A link of a chain of daemons that ended before it was looked at: what it has forked is in no list yet.
            let other = try fixture.start("(setsid true >&- &) ; \(Self.ready) exec \(Self.nap)", runID: "b")
            #expect(
                eventually {
                    fixture.table.orphans().contains { fixture.table.stat(of: $0)?.hasEnded == true }
                }
            )
            #expect(!fixture.table.hasRemains(leader: leader.pid, runID: "a"), "a zombie counts as remains")
            fixture.table.maximumRounds = 1
            #expect(fixture.table.hasRemains(leader: leader.pid, runID: "a"), "taken for gone")
            // A run is not held up for ever by what others fork.
            #expect(eventually { !fixture.table.hasRemains(leader: leader.pid, runID: "a") })
            _ = try ChildProcesses.end(of: leader)
            fixture.table.maximumRounds = 40
            try fixture.end(other, "b")
        }
    }

    /// It is counted from the last time that somebody of it was seen.
    @Test func theTimeForScansWithoutAnEndBeginsAnewWithEachFinding() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            let leader = try fixture.start("(\(Self.daemon)); \(Self.ready) exec sleep 300", runID: "a")
            try fixture.killLeaderOnly(leader)
            fixture.table.unsettled[leader.pid] = .now - .seconds(2)
            #expect(eventually { !fixture.members(leader, "a", alive: false).isEmpty })
            #expect(fixture.table.hasRemains(leader: leader.pid, runID: "a"))
            #expect(fixture.table.unsettled.isEmpty)
            try fixture.end(leader, "a")
            #expect(fixture.table.unsettled.isEmpty)
        }
    }

    @Test func aRunThatForksAllTheTimeIsKilledToTheLast() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            for round in 0..<10 {
                // Each one starts its successor in a session of its own and ends.
                let leader = try fixture.start(
                    """
                    export LOOP='kill -0 \(getpid()) || exit; setsid sh -c "$LOOP" >&- & exit'
                    sh -c "$LOOP" >&-
                    sh -c "$LOOP" >&-
                    \(Self.ready) exec \(Self.nap)
                    """,
                    runID: "a"
                )
                let first = Set(fixture.members(leader, "a", alive: true).map(\.pid))
                #expect(
                    eventually { first.intersection(fixture.members(leader, "a", alive: true).map(\.pid)).count == 1 },
                    "the chain does not go on"
                )
                try fixture.killLeaderOnly(leader)
                // Without a cgroup one that is between fork and exec just now may be overlooked by a scan, so it is the
                // repetition that ends them all.
                #expect(
                    eventually {
                        fixture.table.killAll(leader: leader.pid, runID: "a", leaderAlive: false)
                        fixture.table.reapStrangers()
                        return !fixture.table.hasRemains(leader: leader.pid, runID: "a")
                    },
                    "round \(round): the chain outlived SIGKILL"
                )
                let left = fixture.table.orphans().compactMap { fixture.table.stat(of: $0) }.filter { !$0.hasEnded }
                #expect(left.isEmpty, "round \(round): taken for gone: \(left)")
                try fixture.end(leader, "a")
            }
        }
    }

    @Test func childrenOfEveryThreadAreFoundAndManyOfThem() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            // 700 numbers are more than a page of /proc.
            let leader = try fixture.start(
                "i=0; while [ $i -lt 700 ]; do \(Self.nap) >&- & i=$((i+1)); done; \(Self.ready) wait",
                runID: "a"
            )
            #expect(fixture.members(leader, "a", alive: true).count == 701)
            try fixture.killLeaderOnly(leader)
            #expect(fixture.table.orphans().count == 700)
            try fixture.end(leader, "a")
            // The test's own children stand under the lane's thread, not under the first.
            let spawned = try fixture.children.spawn(script: "exec \(Self.nap)")
            let own = fixture.table.descendants(of: [getpid()])
            #expect(own.map(\.pid) == [spawned.pid])
            try spawned.pidfd.send(SIGKILL)
            _ = try ChildProcesses.end(of: spawned)
        }
    }

    @Test func aProcessThatTookANumberOverIsNotTheSame() throws {
        let table = try ProcessTable()
        let own = try #require(table.stat(of: getpid()))
        #expect(own.isSameProcess(as: own))
        var other = own
        other.startTime += 1
        #expect(!own.isSameProcess(as: other))
        other = own
        other.session += 1
        #expect(!own.isSameProcess(as: other))
        #expect(table.stat(of: Int32.max) == nil)
    }
}
