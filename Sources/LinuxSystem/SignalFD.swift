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
        let atOnce = Int(CL_SIGNALS_AT_ONCE)
        var received: [Received] = []
        var records = [cl_signal](repeating: cl_signal(), count: atOnce)
        let number = self.owned.rawValue
        var count = atOnce
        while count == atOnce {
            count = Int(try systemCall("read") { cl_signalfd_read(number, &records) })
            received += records[..<count].map {
                Received(number: $0.number, senderPID: $0.sender_pid, senderUID: $0.sender_uid)
            }
        }
        return received
    }

    /// Stops reading them; they stay blocked.
    public consuming func close() {
        self.owned.close()
    }
}
