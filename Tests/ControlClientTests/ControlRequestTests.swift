import ControlClient
import ControlMessages
import Testing

@Suite struct ControlRequestTests {
    @Test func workersAreAskedForByNameAndRevision() {
        #expect(ControlRequest.workers().target == "/v1/workers")
        #expect(
            ControlRequest.workers(["web", "api-*"], after: 4_294_967_337, waitSeconds: 30).target
                == "/v1/workers?workers=web%2Capi-%2A&after=4294967337&timeout=30s"
        )
        #expect(ControlRequest.worker("we/b").target == "/v1/workers/we%2Fb")
    }

    @Test func aClientWaitsLongerThanItTellsTheAgentTo() {
        #expect(ControlRequest.workers(after: 1, waitSeconds: 30).timeout == .seconds(40))
        #expect(ControlRequest.workers().timeout == ControlRequest.defaultTimeout)
        #expect(ControlRequest.operation("0190", waitSeconds: 5).timeout == .seconds(15))
    }

    @Test func anOperationsOptionsAreItsQuery() {
        var options = OperationOptions()
        #expect(ControlRequest.perform("start", worker: "web", options: options).target == "/v1/workers/web/start")
        #expect(ControlRequest.perform("start", worker: "web", options: options).timeout == nil)
        options.isDetached = true
        options.instance = 1
        options.timeout = "60s"
        options.grace = "0s"
        options.observe = "1s"
        options.reason = "release 42"
        let request = ControlRequest.perform("restart", worker: "web", options: options)
        #expect(
            request.target
                == "/v1/workers/web/restart?wait=none&instance=1&timeout=60s&grace=0s&observe=1s&reason=release%2042"
        )
        #expect(request.timeout == ControlRequest.defaultTimeout)
    }

    @Test func aScaleSaysHowMany() {
        var options = OperationOptions()
        options.isPersistent = true
        let request = ControlRequest.scale(worker: "web", to: 4, options: options)
        #expect(request.method == "PUT")
        #expect(request.target == "/v1/workers/web/instances?count=4&persist=true")
        #expect(request.timeout == nil)
        options.isDetached = true
        #expect(ControlRequest.scale(worker: "web", to: 4, options: options).timeout == ControlRequest.defaultTimeout)
    }

    @Test func exitsAreFiltered() {
        var filter = ExitFilter()
        #expect(ControlRequest.exits(filter).target == "/v1/exits")
        filter.worker = "web"
        filter.cause = "crashed"
        filter.since = "1h"
        filter.after = 7
        filter.limit = 3
        filter.waitSeconds = 30
        #expect(
            ControlRequest.exits(filter).target
                == "/v1/exits?worker=web&cause=crashed&since=1h&after=7&limit=3&timeout=30s"
        )
    }

    @Test func signalsSayWhichAndWhereTo() {
        #expect(ControlRequest.signal("SIGHUP", worker: "web").target == "/v1/workers/web/signal?signal=SIGHUP")
        #expect(
            ControlRequest.signal("RTMIN+3", worker: "web", instance: 0, group: true).target
                == "/v1/workers/web/signal?signal=RTMIN%2B3&scope=group&instance=0"
        )
        #expect(ControlRequest.reset(worker: "web").target == "/v1/workers/web/reset")
        #expect(ControlRequest.shutdown().method == "POST")
        #expect(ControlRequest.upgrade(reason: "release 0.2").target == "/v1/agent/upgrade?reason=release%200.2")
    }
}
