internal import CLinux
internal import Glibc
public import LinuxSystem

/// How an agent whose keeper is gone gives its runs to the next keeper: it listens in its state directory, and whoever connects
/// there gets everything that a keeper is told, in the same words as ever; then the agent ends. Belongs to one loop.
public final class Takeover {
    static let name = "takeover.sock"
    /// How long the keeper may take to read a message, in milliseconds.
    private static let patience = 5_000

    private let loop: EventLoop
    private let directory: String
    private var listening: Int32
    private var watch: EventLoop.Registration?

    /// Listens from now on. `came` is called once, when a keeper has come; what it is told goes by the value that it gets.
    public init(
        in directory: String,
        on loop: EventLoop,
        came: @escaping (Handover) -> Void
    ) throws(Errno) {
        let opened = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        let number = cl_seqpacket_listen(opened.rawValue, Self.name)
        let error = Errno.current
        opened.close()
        guard number >= 0 else { throw error }
        self.loop = loop
        self.directory = directory
        self.listening = number
        do throws(Errno) {
            self.watch = try loop.register(number, for: .readable) { [unowned self] _ in
                // EACCES for a stranger, EAGAIN when it has gone again.
                let socket = cl_seqpacket_accept(self.listening, geteuid())
                guard socket >= 0 else { return }
                self.end()
                came(Handover(socket: socket))
            }
        } catch {
            close(number)
            throw error
        }
    }

    deinit {
        precondition(self.watch == nil, "a takeover was dropped while it listens")
    }

    /// Listens no longer.
    public func end() {
        guard let watch = self.watch else { return }
        self.loop.deregister(watch)
        self.watch = nil
        close(self.listening)
        unlink("\(self.directory)/\(Self.name)")
    }

    /// What the new keeper is told. Waits for it where it does not read, because nothing else is left to do.
    public struct Handover: Sendable {
        let socket: Int32

        /// A run with its process and the read ends of its pipes, which stay the caller's. `false` when the keeper has gone.
        public func announce(_ announcement: RunAnnouncement, process: PIDFD, pipes: [Int32]) -> Bool {
            self.say(AgentMessage.announce(announcement), [process.descriptor] + pipes)
        }

        /// The exit of a run is recorded, and only its pipes are left.
        public func committed(_ run: RunKey) -> Bool {
            self.say(AgentMessage.committed(run), [])
        }

        /// That was all.
        public func finish() {
            _ = self.say(AgentMessage.leaving(.replaced), [])
            close(self.socket)
        }

        private func say(_ message: [UInt8], _ descriptors: [Int32]) -> Bool {
            let count = UInt32(descriptors.count)
            for _ in 0..<Takeover.patience {
                guard cl_send_message(self.socket, message, UInt32(message.count), descriptors, count) != 0 else {
                    return true
                }
                let error = Errno.current
                guard error == .wouldBlock || error.rawValue == ETOOMANYREFS else { return false }
                // Not poll(2), which knows nothing of too many descriptors on their way.
                usleep(1_000)
            }
            return false
        }
    }
}
