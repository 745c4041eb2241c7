/// Every key of the product, those of versions to come among them.
let fullExample = #"""
    [agent]
    state_dir = "/var/lib/reeve"            # user: $XDG_STATE_HOME/reeve
    log_dir = "/var/log/reeve"              # user: <state_dir>/logs
    on_keeper_death = "keep"                # keep | kill: the workers' fate when the keeper is lost (KillMode=mixed of systemd means kill)
    include = ["/etc/reeve/conf.d/*.toml"]  # more [workers.*], in order of name; a worker defined twice is an error

    [control]
    socket = "/run/reeve/control.sock"
    socket_mode = "0600"
    socket_group = "ops"
    peers = { operate = ["deploy", "@ops"], monitor = ["nagios"] }   # on the Unix socket
    hosts = ["web1.example.org"]
    [[control.listeners]]                   # default: none
    address = "127.0.0.1:9190"
    anonymous = "monitor"
    [[control.listeners]]
    address = "0.0.0.0:9191"
    max_role = "operate"
    tls = { certificate = "cert.pem", key = "key.pem", client_ca = "clients.pem" }   # client_ca: a client certificate is required
    [[control.tokens]]
    name = "deploy"
    role = "operate"
    sha256 = "…"                            # of the token; `reeve token create` prints both (tokens begin with `reeve_`)
    workers = ["web", "api-*"]
    expires = 2027-12-31T00:00:00Z

    [history]
    keep = "90d"
    keep_records = 100000                        # exits in all
    keep_per_worker = 10000
    max_size = "256M"

    [defaults]                              # any key of a worker
    restart = "on-failure"

    [workers.web]
    command = ["/usr/bin/gunicorn", "app:app"]   # or one string, split by shell quoting rules; never run by a shell
    instances = 2
    directory = "/srv/app"
    user = "app"
    group = "app"
    base_port = 8000                             # {port} is base_port + instance
    environment = { PORT = "{port}" }            # {worker} {instance} {port}; {{ for a brace; an unknown one is an error
    environment_file = "/etc/app.env"            # read at each start; `environment` wins
    environment_from = { DB_PASSWORD = "file:/run/secrets/db" }   # never shown
    check_command = ["/usr/sbin/nginx", "-t"]    # before anything is stopped; refuses with 422
    max_unavailable = 1
    inherit_environment = false                  # else PATH, HOME, USER, LANG, TZ only, plus REEVE_WORKER, REEVE_INSTANCE, REEVE_RUN_ID
    autostart = true
    after = ["db"]                               # starts when db is running; stops before it
    restart = "on-failure"                       # always | on-failure | never
    success = [0]                                # exit codes and signal names that count as success
    no_restart = [78]                            # exit codes and signal names after which it stays down
    vital = false                                # true: when it ends for good, the agent ends too, with its code

    [workers.web.backoff]                        # see the formula below
    initial = "100ms"
    factor = 2.0
    max = "30s"
    jitter = 0.1
    reset_after = "10s"                          # a run this long was healthy: the next failure restarts at once
    [workers.web.restart_limit]
    restarts = 10                                # default: none, it retries for ever at `max`
    within = "10m"
    retry_after = "1h"                           # optional: leaves `failed` by itself
    [workers.web.stop]
    signal = "TERM"
    grace = "10s"                                # then KILL to everything that is left of it
    command = []                                 # optional: run instead of the signal
    [workers.web.ready]                          # one of: http, tcp, command, notify (sd_notify), log
    http = "http://127.0.0.1:{port}/healthz"
    timeout = "60s"                              # start_timeout after it
    interval = "500ms"
    [workers.web.health]                         # one of: http, tcp, command, notify (watchdog)
    tcp = "127.0.0.1:{port}"
    interval = "10s"
    timeout = "2s"
    failures = 3
    initial_delay = "0s"
    [workers.web.resources]
    open_files = 65536
    core = "unlimited"
    memory = "512M"                              # cgroup v2 where there is one
    cpu = 1.5
    tasks = 512
    nice = 0
    oom_score_adjust = 0
    no_new_privileges = true
    [workers.web.output]
    stdout = "capture"                           # capture | inherit | null; files: <log_dir>/<worker>/<instance>.stdout.log, .1, .2 …
    stderr = "capture"                           # capture | stdout | inherit | null
    max_size = "16M"
    keep_files = 5
    timestamps = false
    group = "adm"                                # files are 0640
    [workers.web.check]                          # thresholds of the Nagios line
    warning_restarts = 3
    within = "10m"
    [workers.web.sockets]                        # opened once by the agent, kept over restarts, passed as LISTEN_FDS
    http = "tcp://0.0.0.0:80"
    """#
