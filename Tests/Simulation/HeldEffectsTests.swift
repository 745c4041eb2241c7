import Supervision
import Testing

@testable import Agent

@Suite
struct HeldEffectsTests {
    private static let web = InstanceID(worker: "web", index: 0)
    private static let db = InstanceID(worker: "db", index: 0)
    private static let run = UUIDv7(high: 1, low: 1)

    private static func kill(_ id: InstanceID) -> Effect { .kill(id, Self.run) }
    private static func spawn(_ id: InstanceID) -> Effect { .spawn(id, Self.run) }

    private func expectHeld(
        _ expected: Bool,
        _ held: inout HeldEffects,
        _ effect: Effect,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let isHeld = held.hold(effect)
        #expect(isHeld == expected, sourceLocation: location)
    }

    private func expectReleased(
        _ held: inout HeldEffects,
        _ token: HeldEffects.Token,
        _ expected: [Effect],
        _ location: SourceLocation = #_sourceLocation
    ) {
        let released = held.release(token)
        #expect(released == expected, sourceLocation: location)
    }

    @Test func whatIsForOtherInstancesDoesNotWait() {
        var held = HeldEffects()
        _ = held.begin(for: [Self.web])
        expectHeld(true, &held, Self.kill(Self.web))
        expectHeld(false, &held, Self.kill(Self.db))
        expectHeld(false, &held, .timer(.instance(Self.web), nil))
    }

    @Test func theOrderOfWhatWaitedStays() {
        var held = HeldEffects()
        let token = held.begin(for: [Self.web])
        expectHeld(true, &held, Self.spawn(Self.web))
        expectHeld(true, &held, Self.kill(Self.web))
        expectReleased(&held, token, [Self.spawn(Self.web), Self.kill(Self.web)])
        expectHeld(false, &held, Self.kill(Self.web))
    }

    @Test func whatWaitsForALaterDecisionGoesOnWaiting() {
        var held = HeldEffects()
        let first = held.begin(for: [Self.web, Self.db])
        expectHeld(true, &held, Self.spawn(Self.web))
        expectHeld(true, &held, Self.spawn(Self.db))
        let second = held.begin(for: [Self.web])
        expectHeld(true, &held, Self.kill(Self.web))
        expectReleased(&held, first, [Self.spawn(Self.web), Self.spawn(Self.db)])
        expectHeld(true, &held, Self.kill(Self.web))
        expectReleased(&held, second, [Self.kill(Self.web), Self.kill(Self.web)])
    }

    @Test func aDecisionThatIsReleasedTwiceReleasesNothingMore() {
        var held = HeldEffects()
        let token = held.begin(for: [Self.web])
        expectHeld(true, &held, Self.spawn(Self.web))
        expectReleased(&held, token, [Self.spawn(Self.web)])
        _ = held.begin(for: [Self.web])
        expectHeld(true, &held, Self.kill(Self.web))
        expectReleased(&held, token, [])
    }

    @Test func decisionsThatAreReleasedOutOfOrderKeepTheOrder() {
        var held = HeldEffects()
        let first = held.begin(for: [Self.web])
        expectHeld(true, &held, Self.spawn(Self.web))
        let second = held.begin(for: [Self.web])
        expectHeld(true, &held, Self.kill(Self.web))
        expectReleased(&held, second, [Self.spawn(Self.web), Self.kill(Self.web)])
        expectReleased(&held, first, [])
    }
}
