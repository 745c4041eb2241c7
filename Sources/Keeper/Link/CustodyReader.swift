internal import CLinux
internal import Glibc
internal import LinuxSystem

/// Reads what the keeper says.
struct CustodyReader {
    let socket: Int32
    /// What was in custody, after `read`.
    private(set) var runs: [CustodyRun] = []
    /// What was in it when the agent before died is there still; `nil` from a keeper that has none.
    private(set) var transit: TransitPipe?
    private var buffer = [UInt8](repeating: 0, count: HandoverProtocol.maximumMessage)
    private var received = cl_received()

    init(socket: Int32) {
        self.socket = socket
    }

    /// Reads the welcome and everything that is in custody.
    ///
    /// - Parameter milliseconds: how long it waits for each message.
    mutating func read(waiting milliseconds: Int32) throws(KeeperLinkError) -> KeeperWelcome {
        var welcome: KeeperWelcome?
        while true {
            guard let message = try self.nextKnown() else {
                try self.wait(milliseconds)
                continue
            }
            switch message {
            case .welcome(let told): welcome = told
            case .transit:
                // Without all of them, for want of descriptors here, it goes on without; they are closed with the next message.
                if self.received.descriptor_count == TransitPipe.descriptorCount {
                    self.transit = TransitPipe(owning: self.takeDescriptors())
                }
            case .custody(let custody): self.keep(custody)
            case .custodyEnd(let count):
                guard let welcome, Int(count) == self.runs.count else { throw .refused(.value("count")) }
                return welcome
            case .exited(let run, let exit):
                // It ended while the list was on its way.
                if let index = self.runs.firstIndex(where: { $0.announcement.run == run }) {
                    self.runs[index].exit = exit
                }
            case .upgradeAnswer, .upgradeDone: break
            }
        }
    }

    /// The next message of those that this build knows; a newer keeper may say more.
    private mutating func nextKnown() throws(KeeperLinkError) -> KeeperMessage? {
        while true {
            do throws(KeeperLinkError) {
                return try self.next()
            } catch {
                guard case .refused(.unknownType) = error else { throw error }
            }
        }
    }

    /// The next message; `nil` when there is none now. Its descriptors are kept until the next call.
    mutating func next() throws(KeeperLinkError) -> KeeperMessage? {
        cl_close_received(&self.received)
        let capacity = UInt32(self.buffer.count)
        let result = cl_receive_message(self.socket, &self.buffer, capacity, &self.received)
        guard result > 0 else {
            guard result < 0 else { throw .closed }
            let error = Errno.current
            guard error == .wouldBlock else { throw error.rawValue == ECONNRESET ? .closed : .system(error) }
            return nil
        }
        let length = Int(self.received.length)
        let count = self.received.lost_descriptors == 0 ? Int(self.received.descriptor_count) : nil
        do throws(HandoverError) {
            guard length <= self.buffer.count else { throw .tooLong }
            return try self.buffer.withUnsafeBytes { bytes in
                Result { () throws(HandoverError) in
                    try KeeperMessage(UnsafeRawBufferPointer(rebasing: bytes[..<length]), descriptors: count)
                }
            }.get()
        } catch {
            cl_close_received(&self.received)
            throw .refused(error)
        }
    }

    /// Takes the descriptors of the last message over. Those that were lost on the way are missing at the end.
    private mutating func keep(_ custody: KeeperMessage.Custody) {
        var numbers = self.takeDescriptors()[...]
        let process = custody.hasProcess ? numbers.popFirst().map { PIDFD(owning: $0) } : nil
        let pipes = zip(custody.announcement.pipes, numbers).map { CustodyRun.Pipe(kind: $0, descriptor: $1) }
        self.runs.append(
            CustodyRun(
                announcement: custody.announcement,
                process: process,
                pipes: pipes,
                exit: custody.exit,
                isCommitted: custody.isCommitted
            )
        )
    }

    private mutating func takeDescriptors() -> [Int32] {
        let count = Int(self.received.descriptor_count)
        self.received.descriptor_count = 0
        return withUnsafeBytes(of: &self.received.descriptors) {
            Array($0.assumingMemoryBound(to: Int32.self)[..<count])
        }
    }

    private func wait(_ milliseconds: Int32) throws(KeeperLinkError) {
        var watched = pollfd(fd: self.socket, events: Int16(POLLIN), revents: 0)
        let result = poll(&watched, 1, milliseconds)
        guard result != 0 else { throw .silent }
    }

    /// Closes all that came, after a failure.
    mutating func abandon() {
        cl_close_received(&self.received)
        for run in self.runs {
            run.process?.close()
            for pipe in run.pipes {
                Glibc.close(pipe.descriptor)
            }
        }
        self.runs = []
        self.transit = nil
    }
}
