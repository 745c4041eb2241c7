import LinuxSystem
import Output
import Supervision

/// How runs get their pipes: on a spawn lane, before the clone.
struct RunCapture: Sendable {
    let room: OutputRoom
    /// Of each worker whose output is captured. The names of groups were looked up once, because that can block.
    private let policies: [String: CapturePolicy]

    init(room: OutputRoom, workers: [WorkerSpecification]) {
        self.room = room
        var policies: [String: CapturePolicy] = [:]
        for worker in workers where worker.output.isCaptured {
            let output = worker.output
            policies[worker.name] = CapturePolicy(
                maximumSize: output.maximumSize,
                keepFiles: output.keepFiles,
                timestamps: output.timestamps,
                group: output.group.flatMap(PeerResolution.gid(of:))
            )
        }
        self.policies = policies
    }

    /// Whether a worker's runs have pipes.
    func captures(_ worker: String) -> Bool {
        self.policies[worker] != nil
    }

    /// The pipes that a run needs, which may be none.
    static func pipes(for policy: OutputPolicy) throws(StartError) -> RunPipes {
        do throws(Errno) {
            return try RunPipes(
                capturesOutput: policy.standardOutput == .capture,
                capturesError: policy.standardError == .capture,
                mergesError: policy.standardError == .standardOutput
            )
        } catch {
            throw StartError(
                stage: "output",
                errno: error.rawValue,
                errnoName: error.name,
                message: "cannot make a pipe for its output: \(error)"
            )
        }
    }

    /// Where the streams of a run go, with its pipes' write ends.
    static func streams(
        _ policy: OutputPolicy,
        _ standardOutput: Int32?,
        _ standardError: Int32?
    ) -> (output: SpawnRequest.Stream, error: SpawnRequest.Stream) {
        let output: SpawnRequest.Stream =
            switch policy.standardOutput {
            case .capture: standardOutput.map { .descriptor($0) } ?? .null
            case .inherit: .inherit
            case .null: .null
            }
        let error: SpawnRequest.Stream =
            switch policy.standardError {
            case .capture: standardError.map { .descriptor($0) } ?? .null
            // The agent's own standard output, for an inherited one.
            case .standardOutput: policy.standardOutput == .inherit ? .descriptor(1) : output
            case .inherit: .inherit
            case .null: .null
            }
        return (output, error)
    }

    /// The run of an agent before goes on: so does its output, even when its worker is not captured any more.
    func adopt(_ streams: CapturedStreams, of run: RunID, _ instance: InstanceID) {
        self.room.attach(streams, of: run, instance, self.policies[instance.worker] ?? CapturePolicy())
    }

    /// The run has begun: its output is taken from now on.
    func attach(_ streams: CapturedStreams, of plan: SpawnPlan) {
        guard let policy = self.policies[plan.instance.worker] else { return streams.close() }
        self.room.attach(streams, of: plan.run, plan.instance, policy)
    }
}
