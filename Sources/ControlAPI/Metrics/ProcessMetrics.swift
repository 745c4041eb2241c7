internal import Glibc
internal import LinuxSystem
internal import Supervision

/// What the agent itself uses, under the names that Prometheus's own clients give it.
enum ProcessMetrics {
    static func write(startedAt: Timestamp, to text: inout MetricsText) {
        if let usage = ProcessResources.of(getpid()) {
            text.begin("process_cpu_seconds_total", .counter, "Processor time of the agent, in seconds.")
            text.sample(number: usage.processorTime.seconds)
            text.begin("process_resident_memory_bytes", .gauge, "Resident memory of the agent.")
            text.sample(usage.residentBytes)
            text.begin("process_virtual_memory_bytes", .gauge, "Virtual memory of the agent.")
            text.sample(usage.virtualBytes)
            text.begin("process_threads", .gauge, "Threads of the agent.")
            text.sample(usage.threads)
        }
        text.begin("process_start_time_seconds", .gauge, "When the agent began, in seconds since 1970.")
        text.sample(number: startedAt.seconds)
        if let count = ProcessResources.openDescriptors() {
            text.begin("process_open_fds", .gauge, "Descriptors that the agent has open.")
            text.sample(Int64(count))
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            text.begin("process_max_fds", .gauge, "Descriptors that the agent may have open.")
            text.sample(number: limit.rlim_cur == .max ? Double.infinity : Double(limit.rlim_cur))
        }
    }
}
