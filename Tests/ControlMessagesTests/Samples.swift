import ControlMessages

/// Messages with the values of the interface's description.
enum Samples {
    static let exit = ExitMessage(
        seq: 1042,
        worker: "web",
        instance: 0,
        runID: "0190b2c4-0000-7000-8000-000000000001",
        pid: 4242,
        startedAt: "2026-11-22T10:00:00.123Z",
        readyAt: "2026-11-22T10:00:01.000Z",
        endedAt: "2026-11-22T10:05:00.456Z",
        uptimeSeconds: 300.333,
        waitStatus: 139,
        outcome: "signaled",
        exitCode: nil,
        signal: SignalMessage(number: 11, name: "SIGSEGV"),
        coreDumped: true,
        oom: "no",
        cause: "crashed",
        error: nil,
        escalated: false,
        requestedBy: nil,
        operationID: nil,
        usage: UsageMessage(userSeconds: 1.2, systemSeconds: 0.3, maxRSSBytes: 52_428_800),
        stderrTail: ["last words"],
        decision: DecisionMessage(action: "restart", delaySeconds: 0, consecutiveFailures: 1)
    )

    static let exitJSON = """
        {"seq":1042,"worker":"web","instance":0,"run_id":"0190b2c4-0000-7000-8000-000000000001","pid":4242,\
        "started_at":"2026-11-22T10:00:00.123Z","ready_at":"2026-11-22T10:00:01.000Z",\
        "ended_at":"2026-11-22T10:05:00.456Z","uptime_seconds":300.333,"wait_status":139,"outcome":"signaled",\
        "exit_code":null,"signal":{"number":11,"name":"SIGSEGV"},"core_dumped":true,"oom":"no","cause":"crashed",\
        "error":null,"escalated":false,"requested_by":null,"operation_id":null,\
        "usage":{"user_seconds":1.2,"system_seconds":0.3,"max_rss_bytes":52428800},"stderr_tail":["last words"],\
        "decision":{"action":"restart","delay_seconds":0.0,"consecutive_failures":1}}
        """

    /// A run that never became the worker's program: nearly everything is null.
    static let execFailure = ExitMessage(
        seq: 1,
        worker: "web",
        instance: 1,
        runID: "0190",
        pid: nil,
        startedAt: "2026-11-22T10:00:00.123Z",
        readyAt: nil,
        endedAt: "2026-11-22T10:00:00.124Z",
        uptimeSeconds: 0,
        waitStatus: nil,
        outcome: "not_started",
        exitCode: nil,
        signal: nil,
        coreDumped: false,
        oom: "no",
        cause: "exec_failed",
        error: StartErrorMessage(
            stage: "exec",
            errno: "ENOENT",
            message: "cannot execute /x: No such file or directory"
        ),
        escalated: false,
        requestedBy: "uid:0",
        operationID: "0191",
        usage: nil,
        stderrTail: nil,
        decision: DecisionMessage(action: "give_up", delaySeconds: 0, consecutiveFailures: 1)
    )

    static let execFailureJSON = """
        {"seq":1,"worker":"web","instance":1,"run_id":"0190","pid":null,"started_at":"2026-11-22T10:00:00.123Z",\
        "ready_at":null,"ended_at":"2026-11-22T10:00:00.124Z","uptime_seconds":0.0,"wait_status":null,\
        "outcome":"not_started","exit_code":null,"signal":null,"core_dumped":false,"oom":"no","cause":"exec_failed",\
        "error":{"stage":"exec","errno":"ENOENT","message":"cannot execute /x: No such file or directory"},\
        "escalated":false,"requested_by":"uid:0","operation_id":"0191","usage":null,"stderr_tail":null,\
        "decision":{"action":"give_up","delay_seconds":0.0,"consecutive_failures":1}}
        """

    static let worker = WorkerMessage(
        name: "web",
        state: "running",
        desired: "up",
        health: "passing",
        command: ["/usr/bin/gunicorn", "app:app"],
        restart: "on-failure",
        after: ["db"],
        hold: nil,
        operationID: nil,
        deviations: [],
        instances: [
            InstanceMessage(
                instance: 0,
                id: "web.0",
                state: "running",
                desired: "up",
                ready: true,
                health: "passing",
                statusText: nil,
                pid: 4242,
                runID: "0190",
                startedAt: "2026-11-22T10:05:00.457Z",
                readyAt: "2026-11-22T10:05:01.000Z",
                nextStartAt: nil,
                consecutiveFailures: 0,
                restarts: RestartCountsMessage(oneMinute: 0, tenMinutes: 1, oneHour: 1, total: 7),
                upShare24h: 0.999,
                lastExit: Samples.exit
            )
        ]
    )

    static let workerJSON = """
        {"name":"web","state":"running","desired":"up","health":"passing",\
        "command":["/usr/bin/gunicorn","app:app"],"restart":"on-failure","after":["db"],"hold":null,\
        "operation_id":null,"deviations":[],"instances":[{"instance":0,"id":"web.0","state":"running",\
        "desired":"up","ready":true,"health":"passing","status_text":null,"pid":4242,"run_id":"0190",\
        "started_at":"2026-11-22T10:05:00.457Z","ready_at":"2026-11-22T10:05:01.000Z","next_start_at":null,\
        "consecutive_failures":0,"restarts":{"1m":0,"10m":1,"1h":1,"total":7},"up_share_24h":0.999,\
        "last_exit":\(exitJSON)}]}
        """

    static let operation = OperationMessage(
        id: "0190",
        action: "restart",
        workers: ["web"],
        state: "succeeded",
        changed: true,
        requestedBy: "token:deploy",
        reason: "release 42",
        createdAt: "2026-11-22T10:05:00.000Z",
        finishedAt: "2026-11-22T10:05:01.000Z",
        abortedBy: nil,
        error: nil,
        instances: [
            OperationInstanceMessage(
                worker: "web",
                instance: 0,
                oldRunID: "0190",
                newRunID: "0191",
                outcome: "up",
                exit: nil,
                transcript: [
                    TranscriptMessage(at: "2026-11-22T10:05:00.001Z", text: "TERM sent to 4 processes")
                ]
            )
        ]
    )

    static let operationJSON = """
        {"id":"0190","action":"restart","workers":["web"],"state":"succeeded","changed":true,\
        "requested_by":"token:deploy","reason":"release 42","created_at":"2026-11-22T10:05:00.000Z",\
        "finished_at":"2026-11-22T10:05:01.000Z","aborted_by":null,"error":null,"instances":[{"worker":"web",\
        "instance":0,"old_run_id":"0190","new_run_id":"0191","outcome":"up","exit":null,\
        "transcript":[{"at":"2026-11-22T10:05:00.001Z","text":"TERM sent to 4 processes"}]}]}
        """

    static let agent = AgentMessage(
        version: "0.1.0",
        pid: 100,
        keeperPID: nil,
        generation: 3,
        startedAt: "2026-11-22T10:00:00.000Z",
        bootID: "5a1e",
        configFiles: ["/etc/reeve/reeve.toml"],
        stateDir: "/var/lib/reeve",
        socket: "/run/reeve/control.sock",
        listeners: [ListenerMessage(address: "127.0.0.1:9190", anonymous: "monitor", maxRole: nil)],
        workers: 2,
        instances: 3,
        capabilities: ["pidfd": "yes", "cgroup": "no: read-only"],
        limits: ["exits_kept": 10_000, "body_bytes": 65_536],
        degraded: []
    )

    static let agentJSON = """
        {"version":"0.1.0","pid":100,"keeper_pid":null,"generation":3,"started_at":"2026-11-22T10:00:00.000Z",\
        "boot_id":"5a1e","config_files":["/etc/reeve/reeve.toml"],"state_dir":"/var/lib/reeve",\
        "socket":"/run/reeve/control.sock","listeners":[{"address":"127.0.0.1:9190","anonymous":"monitor",\
        "max_role":null}],"workers":2,"instances":3,"capabilities":{"pidfd":"yes","cgroup":"no: read-only"},\
        "limits":{"exits_kept":10000,"body_bytes":65536},"degraded":[]}
        """
}
