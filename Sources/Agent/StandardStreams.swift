import Glibc

/// Descriptors 0, 1 and 2 of the agent.
enum StandardStreams {
    /// Opens `/dev/null` where whoever started the agent closed one: else the next file that is opened, a lock or a socket,
    /// would become what workers inherit as their output.
    static func ensureOpen() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest number that is free is the one that is missing.
            _ = open("/dev/null", O_RDWR)
        }
    }
}
