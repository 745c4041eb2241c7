import Glibc
import LinuxSystem

/// The runs that the keeper could inherit, in memory that is reserved once: keeping and giving up a run allocates nothing.
final class CustodyTable {
    /// How many runs are kept at a time. Beyond it announcements are lost, which is told.
    static let capacity = 8192
    /// Ends of pipes that a run may have.
    static let pipesPerRun = 8
    /// Pages that no run was kept in cost nothing.
    private static let bodySize = HandoverProtocol.maximumMessage

    /// A run in custody.
    struct Slot {
        var run: RunKey
        /// 0 when the slot is free, or the child could not tell.
        var pid: Int32
        /// -1 when there is none: it was lost on the way, or the exit is committed.
        var pidfd: Int32
        var pipes: InlineArray<8, Int32>
        var pipeCount = 0
        var bodyLength = 0
        var isUsed = true
        /// The agent that created it is dead, so the keeper waits for it.
        var isAdopted = false
        var registration: EventLoop.Registration?
        /// How it ended; `nil` while it lives or the agent is its parent.
        var exit: CustodyExit?
        /// It is a zombie of the keeper's.
        var isZombie = false
        var isCommitted = false
        /// The present agent knows of the run and, when there is one, of its exit.
        var isTold = false
    }

    private let slots: UnsafeMutablePointer<Slot>
    private let bodies: UnsafeMutableRawPointer
    /// Slots at and beyond it were never used.
    private(set) var end = 0
    /// How many are in use.
    private(set) var count = 0

    init() {
        self.slots = .allocate(capacity: Self.capacity)
        self.bodies = .allocate(byteCount: Self.capacity * Self.bodySize, alignment: 16)
    }

    deinit {
        self.slots.deinitialize(count: self.end)
        self.slots.deallocate()
        self.bodies.deallocate()
    }

    subscript(index: Int) -> Slot {
        get {
            precondition(index < self.end)
            return self.slots[index]
        }
        _modify {
            precondition(index < self.end)
            yield &self.slots[index]
        }
    }

    /// The announcement as it came, without its header.
    func body(of index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: self.bodies + index * Self.bodySize, count: self[index].bodyLength)
    }

    /// What the agent says of the run from now on.
    func replaceBody(of index: Int, by body: UnsafeRawBufferPointer) {
        precondition(body.count <= Self.bodySize)
        self[index].bodyLength = body.count
        (self.bodies + index * Self.bodySize).copyMemory(
            from: body.baseAddress ?? UnsafeRawPointer(self.bodies),
            byteCount: body.count
        )
    }

    func index(of run: RunKey) -> Int? {
        var index = 0
        while index < self.end {
            if self.slots[index].run == run, self.slots[index].isUsed {
                return index
            }
            index += 1
        }
        return nil
    }

    /// Whether the process with this number is a run's that must not be reaped yet.
    func keeps(pid: Int32) -> Bool {
        var index = 0
        while index < self.end {
            let slot = self.slots[index]
            if slot.pid == pid, slot.isUsed, !slot.isCommitted {
                return true
            }
            index += 1
        }
        return false
    }

    /// Keeps a run; `nil` when there is no place. The descriptors belong to the table from then on.
    func insert(_ outline: AnnouncementOutline, body: UnsafeRawBufferPointer, pidfd: Int32, pipes: Span<Int32>) -> Int?
    {
        precondition(body.count <= Self.bodySize && pipes.count <= Self.pipesPerRun)
        var index = 0
        while index < self.end, self.slots[index].isUsed {
            index += 1
        }
        guard index < Self.capacity else { return nil }
        var slot = Slot(run: outline.run, pid: outline.pid, pidfd: pidfd, pipes: InlineArray(repeating: -1))
        for place in 0..<pipes.count {
            slot.pipes[place] = pipes[place]
        }
        slot.pipeCount = pipes.count
        if index == self.end {
            (self.slots + index).initialize(to: slot)
            self.end += 1
        } else {
            self.slots[index] = slot
        }
        self.replaceBody(of: index, by: body)
        self.count += 1
        return index
    }

    /// Closes the pidfd, whose watch must have ended before.
    func closeProcess(_ index: Int) {
        precondition(self[index].registration == nil, "a pidfd was closed that is still watched")
        if self[index].pidfd >= 0 {
            Glibc.close(self[index].pidfd)
            self[index].pidfd = -1
        }
    }

    /// Gives the slot up and closes what it holds.
    func remove(_ index: Int) {
        self.closeProcess(index)
        for place in 0..<self[index].pipeCount {
            Glibc.close(self[index].pipes[place])
        }
        self[index].pipeCount = 0
        self[index].isUsed = false
        self[index].pid = 0
        self.count -= 1
        while self.end > 0, !self.slots[self.end - 1].isUsed {
            self.end -= 1
            (self.slots + self.end).deinitialize(count: 1)
        }
    }
}
