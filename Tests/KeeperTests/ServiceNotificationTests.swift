import Glibc
import TestSupport
import Testing

@testable import Keeper

/// What the service manager is told, without libsystemd.
@Suite struct ServiceNotificationTests {
    @Test(arguments: [false, true]) func itTellsAPathOrAnAbstractName(isAbstract: Bool) throws {
        let directory = try TemporaryDirectory()
        let path = isAbstract ? "@reeve-test-\(getpid())" : directory.file("notify")
        let manager = try ServiceManager(path)
        let notification = try #require(ServiceNotification { ["NOTIFY_SOCKET": path][$0] })
        #expect(notification.watchdogInterval == nil)
        notification.ready()
        #expect(manager.next() == "READY=1\nMAINPID=\(getpid())\n")
        notification.alive()
        #expect(manager.next() == "WATCHDOG=1\n")
        notification.stopping()
        #expect(manager.next() == "STOPPING=1\n")
        notification.reloading()
        let reloading = try #require(manager.next())
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let told = try #require(Int(reloading.split(separator: "\n")[1].dropFirst("MONOTONIC_USEC=".count)))
        #expect(reloading.hasPrefix("RELOADING=1\n"))
        #expect(abs(told - time.tv_sec * 1_000_000) < 60_000_000)
    }

    @Test func aManagerThatDoesNotReadIsNotWaitedFor() throws {
        let directory = try TemporaryDirectory()
        let manager = try ServiceManager(directory.file("notify"))
        let path = directory.file("notify")
        let notification = try #require(ServiceNotification { ["NOTIFY_SOCKET": path][$0] })
        for _ in 0..<10_000 {
            notification.alive()
        }
        #expect(manager.next() == "WATCHDOG=1\n")
    }

    @Test func withoutAManagerThereIsNobodyToTell() {
        #expect(ServiceNotification { _ in nil } == nil)
        #expect(ServiceNotification { ["NOTIFY_SOCKET": "relative"][$0] } == nil)
        #expect(ServiceNotification { ["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 200)][$0] } == nil)
    }

    @Test func theWatchdogIsForThisProcessOrForNobody() throws {
        var variables = ["NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "30000000"]
        #expect(try #require(ServiceNotification { variables[$0] }).watchdogInterval == .seconds(15))
        variables["WATCHDOG_PID"] = "\(getpid())"
        #expect(try #require(ServiceNotification { variables[$0] }).watchdogInterval == .seconds(15))
        variables["WATCHDOG_PID"] = "1"
        #expect(try #require(ServiceNotification { variables[$0] }).watchdogInterval == nil)
    }
}
