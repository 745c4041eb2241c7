internal import CLinux

/// Why there is no process that executes the program. Nothing of the attempt is left.
public struct SpawnFailure: Error, Equatable, Sendable {
    /// The step that failed.
    public enum Stage: String, Sendable, CaseIterable {
        /// An argument, a path or a value of the environment holds a NUL byte, which C strings cannot.
        case arguments
        case clone
        case setsid
        case directory
        case descriptors
        case exec
        /// Somebody aborted it; ECANCELED.
        case aborted
    }

    public var stage: Stage
    public var errno: Errno
    /// A sentence for people, such as "cannot execute /x: No such file or directory".
    public var message: String

    public init(stage: Stage, errno: Errno, message: String) {
        self.stage = stage
        self.errno = errno
        self.message = message
    }

    /// Finds the words; looks at the files that are concerned, so it belongs where blocking is allowed.
    init(stage: Stage, errno: Errno, request: SpawnRequest) {
        let reason = errno.description
        let message =
            switch stage {
            case .arguments:
                "cannot pass an argument, path or environment value that contains a NUL byte"
            case .clone:
                "cannot create a process: \(reason)" + Self.limitHint(errno)
            case .setsid:
                "cannot create a session: \(reason)"
            case .directory:
                "cannot change to the directory \(request.directory ?? "."): \(reason)"
            case .descriptors:
                "cannot set up the standard streams: \(reason)"
            case .exec:
                ExecutableLookup.explainExecFailure(request.executable, errno, directory: request.directory)
            case .aborted:
                "the start was aborted before \(request.executable) was executed"
            }
        self.init(stage: stage, errno: errno, message: message)
    }

    private static func limitHint(_ errno: Errno) -> String {
        switch errno.name {
        case "EAGAIN": " (a limit on processes is reached: RLIMIT_NPROC, pids.max or kernel.pid_max)"
        case "EMFILE": " (raise the limit of open files of the agent)"
        default: ""
        }
    }
}

extension SpawnFailure.Stage {
    /// The stage of a `cl_spawn_result`; `nil` for success.
    init?(_ stage: Int32) {
        switch stage {
        case Int32(CL_STAGE_NONE.rawValue): return nil
        case Int32(CL_STAGE_CLONE.rawValue): self = .clone
        case Int32(CL_STAGE_SETSID.rawValue): self = .setsid
        case Int32(CL_STAGE_DIRECTORY.rawValue): self = .directory
        case Int32(CL_STAGE_DESCRIPTORS.rawValue): self = .descriptors
        case Int32(CL_STAGE_EXEC.rawValue): self = .exec
        case Int32(CL_STAGE_ABORTED.rawValue): self = .aborted
        default: fatalError("cl_spawn answered the stage \(stage), which it does not have")
        }
    }
}
