internal import CLinux
internal import Glibc

/// Signals as records on a descriptor. They are blocked in the thread that makes it and in the threads that it starts, so
/// it must be made before any other thread: a thread that does not block them would take them, and end the process.
public struct SignalFD: ~Copyable, Sendable {
    /// A signal that came.
    public struct Received: Hashable, Sendable {
        public var number: Int32
        /// 0 when the kernel sent it.
        public var senderPID: Int32
        public var senderUID: UInt32
    }

    private let owned: Descriptor

    /// The corresponding C functions are `pthread_sigmask` and `signalfd`.
    public init(signals: [Int32]) throws(Errno) {
        let number = try systemCall("signalfd") { cl_signalfd(signals, Int32(signals.count)) }
        self.owned = Descriptor(owning: number)
    }

    /// Readable while a signal waits; to be watched by an event loop.
    public var descriptor: Int32 {
        self.owned.rawValue
    }

    /// Takes every signal that waits. Several of one kind may have become one (signal(7)).
    public borrowing func drain() throws(Errno) -> [Received] {
        var received: [Received] = []
        var record = cl_signal()
        let number = self.owned.rawValue
        while try systemCall("read", { cl_signalfd_read(number, &record) }) == 1 {
            received.append(
                Received(number: record.number, senderPID: record.sender_pid, senderUID: record.sender_uid)
            )
        }
        return received
    }

    /// Stops reading them; they stay blocked.
    public consuming func close() {
        self.owned.close()
    }
}
