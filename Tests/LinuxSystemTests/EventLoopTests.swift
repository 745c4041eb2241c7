import CLinux
import Glibc
import LinuxSystem
import Synchronization
import Testing

/// Each test makes its own loop and runs it on the thread of the test until it is stopped.
@Suite(.timeLimit(.minutes(10)))
struct EventLoopTests {
    /// A pair of descriptors of which one is readable when the other was written to.
    struct Wire {
        let reader: Int32
        let writer: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            try #require(cl_pipe(&ends) == 0)
            self.reader = ends[0]
            self.writer = ends[1]
        }

        func signal() {
            var byte: UInt8 = 1
            _ = write(self.writer, &byte, 1)
        }

        func close() {
            Glibc.close(self.reader)
            Glibc.close(self.writer)
        }
    }

    final class Log {
        var entries: [String] = []
    }

    @Test func deadlinesFireInTheOrderOfTheirInstantsAndThenOfTheirScheduling() throws {
        let loop = try EventLoop(name: "test")
        let log = Log()
        let start = loop.now
        loop.schedule(at: start + .milliseconds(3)) {
            log.entries.append("late")
            loop.stop()
        }
        loop.schedule(at: start + .milliseconds(1)) { log.entries.append("early") }
        loop.schedule(at: start + .milliseconds(2)) { log.entries.append("first of two") }
        loop.schedule(at: start + .milliseconds(2)) { log.entries.append("second of two") }
        loop.schedule(at: start - .seconds(1)) { log.entries.append("past") }
        loop.run()
        #expect(log.entries == ["past", "early", "first of two", "second of two", "late"])
    }

    @Test func noDeadlineFiresBeforeItsInstant() throws {
        let loop = try EventLoop(name: "test")
        let log = Log()
        for microseconds in [0, 1, 50, 333, 999, 1000, 1001, 2500] {
            let instant = SuspendingClock.now + .microseconds(microseconds)
            loop.schedule(at: instant) {
                if loop.now < instant {
                    log.entries.append("\(microseconds) µs fired early")
                }
            }
        }
        loop.schedule(at: .now + .milliseconds(4)) { loop.stop() }
        loop.run()
        #expect(log.entries == [])
    }

    @Test func aCancelledDeadlineDoesNotFireEvenWhenItIsDueInTheSameTurn() throws {
        let loop = try EventLoop(name: "test")
        let log = Log()
        let instant = loop.now
        var second: EventLoop.Deadline?
        loop.schedule(at: instant) {
            log.entries.append("first")
            if let second {
                loop.cancel(second)
                loop.cancel(second)
            }
        }
        second = loop.schedule(at: instant) { log.entries.append("second") }
        loop.schedule(at: instant + .milliseconds(1)) { loop.stop() }
        loop.run()
        #expect(log.entries == ["first"])
    }

    @Test func aDeadlineThatSchedulesItselfAtOnceDoesNotKeepOthersWaiting() throws {
        let loop = try EventLoop(name: "test")
        let wire = try Wire()
        defer { wire.close() }
        var turns = 0
        var last: EventLoop.Deadline?
        func again() {
            turns += 1
            last = loop.schedule(at: loop.now, again)
        }
        again()
        let registration = try loop.register(wire.reader, for: .readable) { _ in loop.stop() }
        wire.signal()
        loop.run()
        loop.deregister(registration)
        // Else the loop and its action would keep each other.
        last.map { loop.cancel($0) }
        #expect(turns < 10)
    }

    @Test func manyCancelledDeadlinesAreForgotten() throws {
        let loop = try EventLoop(name: "test")
        let log = Log()
        for number in 0..<10_000 {
            let deadline = loop.schedule(at: loop.now + .seconds(3600)) { log.entries.append("\(number)") }
            loop.cancel(deadline)
        }
        loop.schedule(at: loop.now) { loop.stop() }
        loop.run()
        #expect(log.entries == [])
    }

    @Test func aHandlerMayDeregisterAnotherDescriptorThatIsReadyInTheSameTurn() throws {
        let loop = try EventLoop(name: "test")
        let log = Log()
        let wires = [try Wire(), try Wire()]
        var registrations: [EventLoop.Registration] = []
        for index in 0..<2 {
            registrations.append(
                try loop.register(wires[index].reader, for: .readable) { _ in
                    log.entries.append("handler \(index)")
                    loop.deregister(registrations[1 - index])
                    loop.stop()
                }
            )
        }
        for wire in wires {
            wire.signal()
        }
        loop.run()
        // Whichever came first, the other one did not.
        #expect(log.entries.count == 1)
        for registration in registrations {
            loop.deregister(registration)
        }
        for wire in wires {
            wire.close()
        }
    }

    @Test func aHandlerMayDeregisterItself() throws {
        let loop = try EventLoop(name: "test")
        let wire = try Wire()
        defer { wire.close() }
        var calls = 0
        var registration: EventLoop.Registration?
        registration = try loop.register(wire.reader, for: .readable) { events in
            #expect(events == .readable)
            calls += 1
            if let registration {
                loop.deregister(registration)
            }
        }
        wire.signal()
        loop.schedule(at: loop.now + .milliseconds(2)) { loop.stop() }
        loop.run()
        #expect(calls == 1)
    }

    @Test func deregisteringAClosedDescriptorLeavesItsSuccessorWatched() throws {
        let loop = try EventLoop(name: "test")
        let first = try Wire()
        let stale = try loop.register(first.reader, for: .readable) { _ in Issue.record("the closed one was called") }
        // Closes the first one and puts a successor under the same number, at once, because other tests open descriptors.
        let second = try Wire()
        let number = dup2(second.reader, first.reader)
        let registration = try loop.register(number, for: .readable) { _ in loop.stop() }
        try loop.modify(stale, for: .writable)
        loop.deregister(stale)
        loop.deregister(stale)
        second.signal()
        loop.run()
        loop.deregister(registration)
        Glibc.close(number)
        second.close()
        Glibc.close(first.writer)
    }

    @Test func whatADescriptorIsWatchedForCanBeChanged() throws {
        let loop = try EventLoop(name: "test")
        let wire = try Wire()
        defer { wire.close() }
        let log = Log()
        let registration = try loop.register(wire.writer, for: []) { events in
            log.entries.append(events.contains(.writable) ? "writable" : "other")
            loop.stop()
        }
        loop.schedule(at: loop.now + .milliseconds(1)) {
            #expect(log.entries == [])
            #expect(throws: Never.self) { try loop.modify(registration, for: .writable) }
        }
        loop.run()
        loop.deregister(registration)
        #expect(log.entries == ["writable"])
    }

    @Test func registeringWhatCannotBeWatchedThrows() throws {
        let loop = try EventLoop(name: "test")
        let file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        #expect(throws: Errno(rawValue: EPERM)) {
            try loop.register(file, for: .readable) { _ in }
        }
    }

    @Test func closuresFromManyThreadsRunOnTheLoopInTheOrderOfEachThread() throws {
        let loop = try EventLoop(name: "test")
        let log = Locked<[[Int]]>(Array(repeating: [], count: 4))
        let running = Atomic<Int>(4)
        let strayed = Locked(0)
        loop.start()
        let done = Box<Bool>()
        for thread in 0..<4 {
            try startThread {
                for number in 0..<5000 {
                    loop.execute {
                        strayed.withLock { $0 += loop.isCurrent ? 0 : 1 }
                        log.withLock { $0[thread].append(number) }
                    }
                }
                loop.execute {
                    if running.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                        loop.stop()
                        done.put(true)
                    }
                }
            }
        }
        #expect(done.take())
        #expect(strayed.withLock { $0 } == 0)
        log.withLock { entries in
            for entry in entries {
                #expect(entry == Array(0..<5000))
            }
        }
    }

    actor Tenant {
        nonisolated let loop: EventLoop
        nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }
        private(set) var count = 0

        init(loop: EventLoop) {
            self.loop = loop
        }

        func add() -> Bool {
            self.count += 1
            return self.loop.isCurrent
        }

        /// Suspends on another actor and comes back.
        func addByWayOf(_ other: Tenant) async -> Bool {
            let there = await other.add()
            self.count += 1
            return there && self.loop.isCurrent && !other.loop.isCurrent
        }
    }

    @Test func actorsLiveOnTheLoopThroughTheirExecutor() async throws {
        let loops = [try EventLoop(name: "test-1"), try EventLoop(name: "test-2")]
        for loop in loops {
            loop.start()
        }
        let tenants = loops.map { Tenant(loop: $0) }
        for _ in 0..<20 {
            #expect(await tenants[0].addByWayOf(tenants[1]))
        }
        #expect(await tenants[0].count == 20)
        #expect(await tenants[1].count == 20)
        for loop in loops {
            loop.stop()
        }
    }

    @Test func aHandlerIsIsolatedToTheTenants() throws {
        let loop = try EventLoop(name: "test")
        let tenant = Tenant(loop: loop)
        loop.schedule(at: loop.now) {
            tenant.assumeIsolated { _ = $0.add() }
            loop.stop()
        }
        loop.run()
        #expect(tenant.assumeIsolated { $0.count } == 1)
    }

    @Test func whatWaitsForTurnsComesAfterThemAndMayBeCancelledBetween() throws {
        let loop = try EventLoop(name: "test")
        var turns = 0
        var called: [Int] = []
        loop.endOfTurn = { turns += 1 }
        let cancelled = loop.schedule(afterTurns: 9, of: .milliseconds(1)) { called.append(-1) }
        loop.schedule(afterTurns: 3, of: .milliseconds(1)) { loop.cancel(cancelled) }
        loop.schedule(afterTurns: 20, of: .milliseconds(1)) {
            called.append(turns)
            loop.stop()
        }
        // Longer than all of them together: that is one turn.
        loop.execute { usleep(50_000) }
        loop.run()
        #expect(called.count == 1 && called[0] >= 19, "\(called)")
    }

    @Test func aTaskMayPreferTheLoop() async throws {
        let loop = try EventLoop(name: "test")
        loop.start()
        let isOnLoop = await Task(executorPreference: loop) { loop.isCurrent }.value
        #expect(isOnLoop)
        loop.stop()
    }

    @Test func aLoopThatHangsInATurnIsNotResponsiveAndOneThatWaitsIs() throws {
        let loop = try EventLoop(name: "test")
        #expect(loop.isResponsive(within: .zero))
        loop.start()
        let entered = Box<Bool>()
        let release = Box<Bool>()
        loop.execute {
            entered.put(true)
            #expect(release.take())
        }
        #expect(entered.take())
        #expect(eventually { !loop.isResponsive(within: .milliseconds(2)) })
        #expect(loop.isResponsive(within: .seconds(3600)))
        release.put(true)
        #expect(eventually { loop.isResponsive(within: .zero) })
        loop.stop()
    }

    @Test func longestWaitBoundsTheWaitAndEndOfTurnFollowsEachTurn() throws {
        let loop = try EventLoop(name: "test")
        var turns = 0
        loop.longestWait = { .microseconds(100) }
        loop.endOfTurn = {
            turns += 1
            if turns == 3 {
                loop.stop()
            }
        }
        loop.run()
        loop.endOfTurn = nil
        #expect(turns == 3)
    }

    @Test func whoIsPatientWaitsForATurnThatComesByItself() throws {
        let loop = try EventLoop(name: "test")
        let due = Box<SuspendingClock.Instant>()
        let done = Box<SuspendingClock.Instant>()
        loop.start()
        loop.execute {
            let instant = loop.now + .milliseconds(200)
            loop.schedule(at: instant) {}
            due.put(instant)
        }
        let instant = due.take()
        #expect(eventually { loop.isResponsive(within: .zero) })
        loop.execute(within: .seconds(3600)) { done.put(loop.now) }
        #expect(done.take() >= instant)
        loop.stop()
    }

    @Test func whoIsPatientIsHeardAtOnceWhenNoTurnIsNear() throws {
        let loop = try EventLoop(name: "test")
        loop.start()
        for round in 0..<100 {
            // At first no turn is to come at all, and then none for an hour.
            if round == 50 {
                loop.execute { loop.schedule(at: loop.now + .seconds(3600)) {} }
            }
            let done = Box<Bool>()
            loop.execute(within: .seconds(3000)) { done.put(true) }
            #expect(done.take())
        }
        loop.stop()
    }

    @Test func anImpatientCallTakesThePatientOnesBeforeItAlong() throws {
        let loop = try EventLoop(name: "test")
        let order = Locked<[String]>([])
        let begun = Box<Bool>()
        let done = Box<Bool>()
        loop.schedule(at: loop.now + .seconds(3600)) {}
        loop.start()
        loop.execute { begun.put(true) }
        #expect(begun.take())
        #expect(eventually { loop.isResponsive(within: .zero) })
        loop.execute(within: .seconds(7200)) { order.withLock { $0.append("patient") } }
        loop.execute {
            order.withLock { $0.append("impatient") }
            done.put(true)
        }
        #expect(done.take())
        #expect(order.withLock { $0 } == ["patient", "impatient"])
        loop.stop()
    }

    @Test func eachHandOverCostsOneTurnAndNothingElseWakesTheLoop() throws {
        let loop = try EventLoop(name: "test")
        let turns = Atomic<Int>(0)
        loop.endOfTurn = { turns.add(1, ordering: .relaxed) }
        loop.schedule(at: loop.now + .seconds(3600)) {}
        loop.start()
        let rounds = 200
        for _ in 0..<rounds {
            let done = Box<Bool>()
            loop.execute {
                // The second turn: work of the loop's own thread must not write to the eventfd, which would be a third.
                loop.execute { done.put(true) }
            }
            #expect(done.take())
            #expect(eventually { loop.isResponsive(within: .zero) })
        }
        // A late or needless wake-up of any round would have been counted in one that followed.
        #expect((2 * rounds)...(2 * rounds + 1) ~= turns.load(ordering: .relaxed))
        loop.stop()
    }
}

/// A plain thread, which is nobody's executor.
func startThread(_ body: @escaping @Sendable () -> Void) throws {
    final class Closure {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }
    var thread = pthread_t()
    let error = pthread_create(
        &thread,
        nil,
        { argument in
            guard let argument else { return nil }
            Unmanaged<Closure>.fromOpaque(argument).takeRetainedValue().body()
            return nil
        },
        Unmanaged.passRetained(Closure(body)).toOpaque()
    )
    try #require(error == 0)
    pthread_detach(thread)
}
