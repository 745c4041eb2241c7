internal import LinuxSystem
internal import Output
internal import Supervision

/// The metrics of the workers and their instances. `slot` is the number of an instance: the label `instance` is
/// Prometheus's own.
struct WorkerMetrics {
    private struct Slot {
        var labels: [UInt8]
        var instance: WorkerStatus.Instance
        var output: OutputPolicy
    }

    private let workers: [WorkerStatus]
    private let slots: [Slot]

    init(_ workers: [WorkerStatus]) {
        self.workers = workers
        self.slots = workers.flatMap { worker in
            worker.instances.map { instance in
                let labels = MetricsText.labels(
                    ("worker", worker.specification.name),
                    ("slot", "\(instance.status.id.index)")
                )
                return Slot(labels: labels, instance: instance, output: worker.specification.output)
            }
        }
    }

    /// What the stream of transitions tells: the same until the next one.
    func write(to text: inout MetricsText) {
        self.writeStates(to: &text)
        self.writeCounters(to: &text)
        self.writeExits(to: &text)
    }

    private func writeStates(to text: inout MetricsText) {
        self.write("reeve_worker_desired", .gauge, "1 when the instance should be up.", &text) {
            $0.status.desired == .up ? 1 : 0
        }
        self.write("reeve_worker_up", .gauge, "1 when the instance has a process that was not told to end.", &text) {
            $0.status.isUp ? 1 : 0
        }
        self.write(
            "reeve_worker_ready",
            .gauge,
            "1 when the instance is up, and ready where it has a readiness check.",
            &text
        ) { $0.status.ready ? 1 : 0 }
        self.write("reeve_worker_healthy", .gauge, "1 when the health check passes; absent without one.", &text) {
            switch $0.status.health {
            case .none: nil
            case .passing: 1
            case .unknown, .failing: 0
            }
        }
        text.begin("reeve_worker_state", .gauge, "1 for the state that the instance is in, 0 for the others.")
        for slot in self.slots {
            for state in InstanceState.allCases {
                text.sample(slot.instance.status.state == state ? 1 : 0, slot.labels, last: ("state", state.rawValue))
            }
        }
        text.begin("reeve_worker_start_time_seconds", .gauge, "When the present run began, in seconds since 1970.")
        for slot in self.slots where slot.instance.status.pid != nil {
            guard let startedAt = slot.instance.status.startedAt else { continue }
            text.sample(number: startedAt.seconds, slot.labels)
        }
    }

    private func writeCounters(to text: inout MetricsText) {
        self.write("reeve_worker_starts_total", .counter, "Runs that were begun.", &text) { Int64($0.status.starts) }
        self.write(
            "reeve_worker_restarts_total",
            .counter,
            "Runs that the agent began by itself after another had ended.",
            &text
        ) { Int64($0.status.restarts) }
        text.begin("reeve_worker_exits_total", .counter, "Runs that ended since the agent began, by cause.")
        for worker in self.workers {
            let labels = MetricsText.labels(("worker", worker.specification.name))
            for (index, cause) in ExitCause.allCases.enumerated() {
                text.sample(worker.exitsByCause[index], labels, last: ("cause", cause.rawValue))
            }
        }
    }

    private func writeExits(to text: inout MetricsText) {
        self.write(
            "reeve_worker_last_exit_code",
            .gauge,
            "The code of the last exit; absent when a signal ended it.",
            &text
        ) { $0.lastExit?.waitStatus?.exitCode.map { Int64($0) } }
        self.write(
            "reeve_worker_last_exit_signal",
            .gauge,
            "The number of the signal that ended the last run; absent when none did.",
            &text
        ) { $0.lastExit?.waitStatus?.signal.map { Int64($0.number) } }
        text.begin(
            "reeve_worker_last_exit_timestamp_seconds",
            .gauge,
            "When the end of the last run was noticed, in seconds since 1970."
        )
        for slot in self.slots {
            guard let exit = slot.instance.lastExit else { continue }
            text.sample(number: exit.endedAt.seconds, slot.labels)
        }
    }

    private func write(
        _ name: String,
        _ kind: MetricsText.Kind,
        _ help: String,
        _ text: inout MetricsText,
        _ value: (WorkerStatus.Instance) -> Int64?
    ) {
        text.begin(name, kind, help)
        for slot in self.slots {
            guard let value = value(slot.instance) else { continue }
            text.sample(value, slot.labels)
        }
    }

    // MARK: Output

    /// - Parameter received: bytes by stream; a stream that is missing has had none.
    func writeOutput(_ received: [StreamID: UInt64], to text: inout MetricsText) {
        text.begin(
            "reeve_worker_output_bytes_total",
            .counter,
            "Bytes that were taken from the instance's output since the agent began, of the streams that are captured."
        )
        for slot in self.slots {
            for stream in slot.output.streams {
                let bytes = received[StreamID(slot.instance.status.id, stream)] ?? 0
                text.sample(Int64(clamping: bytes), slot.labels, last: ("stream", stream.rawValue))
            }
        }
    }

    // MARK: What the processes use

    /// The runs that have a main process.
    var targets: [WorkerUsageProbe.Target] {
        self.slots.compactMap { slot in
            let status = slot.instance.status
            guard let run = status.runID, let pid = status.pid else { return nil }
            return WorkerUsageProbe.Target(id: status.id, run: run, pid: pid)
        }
    }

    func writeUsage(_ probe: WorkerUsageProbe, to text: inout MetricsText) {
        text.begin(
            "reeve_worker_cpu_seconds_total",
            .counter,
            "Processor time of the run's main process and of those of its children that have ended; not of others."
        )
        for slot in self.slots {
            guard let usage = slot.instance.status.runID.flatMap({ probe[$0] }) else { continue }
            text.sample(number: usage.processorTime.seconds, slot.labels)
        }
        text.begin(
            "reeve_worker_resident_memory_bytes",
            .gauge,
            "Resident memory of the run's main process; not of its children."
        )
        for slot in self.slots {
            guard let usage = slot.instance.status.runID.flatMap({ probe[$0] }) else { continue }
            text.sample(usage.residentBytes, slot.labels)
        }
    }
}

extension OutputPolicy {
    /// Those with files of their own.
    fileprivate var streams: [StandardStream] {
        (self.standardOutput == .capture ? [.standardOutput] : [])
            + (self.standardError == .capture ? [.standardError] : [])
    }
}

extension InstanceStatus {
    fileprivate var isUp: Bool {
        switch self.state {
        case .running: true
        case .starting: self.pid != nil
        case .stopped, .waiting, .stopping, .backoff, .finished, .failed: false
        }
    }
}

extension Timestamp {
    /// Since the epoch, rounded to milliseconds.
    var seconds: Double {
        Double(self.millisecondsSinceEpoch) / 1000
    }
}
