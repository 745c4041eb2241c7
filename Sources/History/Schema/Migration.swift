/// One step of the schema. Steps are only ever added at the end of `all`; one that was in a release is never changed.
struct Migration {
    let name: String
    let sql: String

    static let all = [Self.tables, Self.workerScale]

    // Times are texts of RFC 3339 in UTC with milliseconds, as the API shows them: they sort as they are, people read them,
    // and SQLite's date functions take them. Durations are seconds. Lists of names are separated by commas.
    private static let tables = Migration(
        name: "0001-tables",
        sql: """
            CREATE TABLE meta (
                key TEXT PRIMARY KEY NOT NULL,
                value TEXT NOT NULL
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE exits (
                seq INTEGER PRIMARY KEY AUTOINCREMENT,
                run_id TEXT NOT NULL UNIQUE,
                worker TEXT NOT NULL,
                instance INTEGER NOT NULL,
                pid INTEGER,
                started_at TEXT NOT NULL,
                ready_at TEXT,
                ended_at TEXT NOT NULL,
                uptime_seconds REAL NOT NULL,
                outcome TEXT NOT NULL,
                wait_status INTEGER,
                exit_code INTEGER,
                signal TEXT,
                core_dumped INTEGER NOT NULL,
                cause TEXT NOT NULL,
                oom TEXT NOT NULL,
                escalated INTEGER NOT NULL,
                requested_by TEXT,
                operation_id TEXT,
                user_seconds REAL,
                system_seconds REAL,
                max_rss_bytes INTEGER,
                error_stage TEXT,
                error_number INTEGER,
                error_name TEXT,
                error_message TEXT,
                decision TEXT NOT NULL,
                decision_delay_seconds REAL NOT NULL,
                consecutive_failures INTEGER NOT NULL,
                stderr_tail TEXT
            ) STRICT;
            CREATE INDEX exits_by_worker ON exits (worker, seq, ended_at);
            CREATE INDEX exits_by_worker_and_cause ON exits (worker, cause, seq, ended_at);
            CREATE INDEX exits_by_cause ON exits (cause, seq, ended_at);
            CREATE INDEX exits_by_end ON exits (ended_at);

            CREATE TABLE transitions (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                at TEXT NOT NULL,
                type TEXT NOT NULL,
                worker TEXT,
                instance INTEGER,
                run_id TEXT,
                from_state TEXT,
                to_state TEXT,
                exit_seq INTEGER,
                operation_id TEXT,
                text TEXT NOT NULL
            ) STRICT;
            CREATE INDEX transitions_by_time ON transitions (at);

            CREATE TABLE operations (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                id TEXT NOT NULL UNIQUE,
                action TEXT NOT NULL,
                workers TEXT NOT NULL,
                state TEXT NOT NULL,
                changed INTEGER NOT NULL,
                requested_by TEXT NOT NULL,
                reason TEXT,
                created_at TEXT NOT NULL,
                finished_at TEXT,
                aborted_by TEXT,
                error TEXT
            ) STRICT;
            CREATE INDEX operations_unfinished ON operations (number) WHERE finished_at IS NULL;

            CREATE TABLE operation_instances (
                operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
                position INTEGER NOT NULL,
                worker TEXT NOT NULL,
                instance INTEGER NOT NULL,
                old_run_id TEXT,
                new_run_id TEXT,
                outcome TEXT NOT NULL,
                exit_run_id TEXT,
                transcript TEXT NOT NULL,
                PRIMARY KEY (operation_id, position)
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE worker_state (
                worker TEXT NOT NULL,
                instance INTEGER NOT NULL,
                desired TEXT NOT NULL,
                decided INTEGER NOT NULL,
                persist INTEGER NOT NULL,
                boot_id TEXT NOT NULL,
                state TEXT NOT NULL,
                run_id TEXT,
                consecutive_failures INTEGER NOT NULL,
                backoff_until TEXT,
                starts_total INTEGER NOT NULL,
                restarts_total INTEGER NOT NULL,
                recent_restarts TEXT NOT NULL,
                updated_at TEXT NOT NULL,
                PRIMARY KEY (worker, instance)
            ) STRICT, WITHOUT ROWID;
            """
    )

    private static let workerScale = Migration(
        name: "0002-worker-scale",
        sql: """
            CREATE TABLE worker_scale (
                worker TEXT PRIMARY KEY NOT NULL,
                instances INTEGER NOT NULL,
                configured_instances INTEGER NOT NULL,
                persist INTEGER NOT NULL,
                boot_id TEXT NOT NULL,
                updated_at TEXT NOT NULL
            ) STRICT, WITHOUT ROWID;
            """
    )
}
