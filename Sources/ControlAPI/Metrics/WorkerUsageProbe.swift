internal import LinuxSystem
internal import Supervision

/// What the main processes of the workers use, read from /proc when somebody asks, within a bound of time.
struct WorkerUsageProbe {
    /// How long one reading may take; what it does not come to is as it was read last.
    static let budget = Duration.milliseconds(20)
    /// For how long what was read is new enough.
    static let freshness = Duration.milliseconds(500)

    struct Target {
        var id: InstanceID
        var run: RunID
        var pid: Int32
    }

    private var readings: [RunID: ProcessResources] = [:]
    /// Where the next reading begins, so that none is left out for ever.
    private var position = 0
    private var lastReading: MonotonicInstant?
    /// How the usage of a process is read; a test has none.
    var read: (Int32) -> ProcessResources? = { ProcessResources.of($0) }

    /// The newest reading of a run; `nil` before there is one.
    subscript(run: RunID) -> ProcessResources? {
        self.readings[run]
    }

    mutating func refresh(_ targets: [Target], _ timer: any ControlTimer) {
        let began = timer.exactNow
        let isFresh = self.lastReading.map { $0.duration(to: began) < Self.freshness } ?? false
        if !isFresh {
            self.lastReading = began
        }
        var readings: [RunID: ProcessResources] = [:]
        readings.reserveCapacity(targets.count)
        for target in targets {
            readings[target.run] = self.readings[target.run]
        }
        self.readings = readings
        guard !targets.isEmpty else { return }
        let first = self.position % targets.count
        for offset in targets.indices {
            // The clock is read for some at once; the first ones are read whatever it says.
            if offset % 16 == 15, began.duration(to: timer.exactNow) > Self.budget {
                self.position = first + offset
                return
            }
            let target = targets[(first + offset) % targets.count]
            if isFresh, self.readings[target.run] != nil { continue }
            let usage = self.read(target.pid)
            // Another process that has taken over the number began at another time.
            if let usage, let earlier = self.readings[target.run], earlier.startTime != usage.startTime { continue }
            self.readings[target.run] = usage
        }
    }
}
