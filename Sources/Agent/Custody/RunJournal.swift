import Glibc
import Keeper
import LinuxSystem
import Supervision

/// What is known of the runs, for the case that agent and keeper are gone both: in a file in memory, which the next agent on
/// this state directory reads. Belongs to the supervision loop.
///
/// A run is written down before its process is asked for, and the process writes its own pid there before it does anything
/// else, so that none can be overlooked. A store costs less than a system call, and none waits for a disk. The boot takes the
/// file with it.
final class RunJournal {
    /// A run of the agent before.
    struct Entry {
        var announcement: RunAnnouncement
        /// 0 when it never had a process.
        var pid: Int32
        /// `nil` when nobody but the process itself had written anything down.
        var identity: ProcessIdentity?
    }

    private static let magic: UInt64 = 0x6c61_6e72_756f_6a72
    private static let version: UInt64 = 2
    /// Before the first slot: magic, version, the owner.
    static let headerSize = 128
    private static let ownerOffset = 16
    static let slotSize = 1024
    private static let firstSlots = 64
    /// As many as the keeper keeps; beyond it runs are not written down.
    static let maximumSlots = 8192

    /// Where in a slot its parts are. The state comes last when it is written.
    private enum Offset {
        static let state = 0
        static let length = 4
        static let pid = 8
        static let inode = 16
        static let startTime = 24
        static let body = 32
    }

    private let file: MappedFile
    /// With zeros behind it.
    private let owner: [UInt8]
    private var slots: [RunID: Int] = [:]
    private var vacant: [Int] = []
    private var count = 0
    /// Runs for which there was no room.
    private(set) var overlooked = 0
    /// What the file said when it was opened; of the same owner only.
    private(set) var inherited: [Entry] = []

    /// - Parameter owner: whose runs they are. What another one wrote into the file is forgotten.
    init(path: String, owner: String) throws(Errno) {
        precondition(RunAnnouncement.maximumBytes + Offset.body <= Self.slotSize)
        self.file = try MappedFile(
            path: path,
            size: Self.headerSize + Self.firstSlots * Self.slotSize,
            capacity: Self.headerSize + Self.maximumSlots * Self.slotSize
        )
        let room = Self.headerSize - Self.ownerOffset
        self.owner = Array((Array(owner.utf8) + Array(repeating: 0, count: room)).prefix(room))
        guard self.isOwn else {
            self.clear()
            return
        }
        // They stay where they are until `keepOnly`, for the next agent, should this one die in its begin.
        self.count = min(Self.maximumSlots, (self.file.bytes.count - Self.headerSize) / Self.slotSize)
        for slot in 0..<self.count {
            if let entry = self.entry(in: slot) {
                self.inherited.append(entry)
                self.slots[RunID(entry.announcement.run)] = slot
            } else {
                self.vacant.append(slot)
            }
        }
    }

    /// Forgets all other runs.
    func keepOnly(_ runs: Set<RunID>) {
        for run in self.slots.keys where !runs.contains(run) {
            self.remove(run)
        }
        self.inherited = []
    }

    /// Where the file of a state directory is: in memory where that can be, else in the directory itself.
    static func path(stateDirectory: String) -> String {
        var status = stat()
        guard stat(stateDirectory, &status) == 0, MappedFile.isInMemory(directory: "/dev/shm") else {
            return stateDirectory + "/runs"
        }
        return "/dev/shm/reeve-\(geteuid())-\(status.st_dev)-\(status.st_ino).runs"
    }

    /// A state directory in a boot. The file outlives a directory that is removed, and the next one may get its inode number: when it
    /// was made tells them apart, where the file system knows that.
    static func owner(stateDirectory: String, bootID: String) -> String {
        let birth = FileBirth(path: stateDirectory)
        return "\(bootID) \(birth?.seconds ?? 0).\(birth?.nanoseconds ?? 0)"
    }

    // MARK: Writing

    /// A run from now on, or what is known of it now.
    func write(_ announcement: RunAnnouncement, of run: RunID) {
        let body = announcement.bytes
        guard body.count <= Self.slotSize - Offset.body, let slot = self.slots[run] ?? self.takeSlot() else {
            self.overlooked += 1
            return
        }
        self.slots[run] = slot
        let memory = self.memory(of: slot)
        // In between it is no entry at all; there is no moment in which it could be read but after the end of this process.
        let state = memory.load(fromByteOffset: Offset.state, as: UInt32.self)
        memory.storeBytes(of: UInt32(body.count), toByteOffset: Offset.length, as: UInt32.self)
        body.withUnsafeBytes { body in
            UnsafeMutableRawBufferPointer(rebasing: memory[Offset.body..<(Offset.body + body.count)]).copyMemory(
                from: body
            )
        }
        if state == 0 {
            self.store(ProcessIdentity(pid: 0, inode: 0, startTime: 0), in: memory)
            memory.storeBytes(of: 1, toByteOffset: Offset.state, as: UInt32.self)
        }
    }

    /// Where the process of a run writes its pid; `nil` when the run is not written down.
    func record(of run: RunID) -> SpawnRequest.PIDRecord? {
        guard let slot = self.slots[run], let start = self.memory(of: slot).baseAddress else { return nil }
        return SpawnRequest.PIDRecord((start + Offset.pid).bindMemory(to: Int32.self, capacity: 1))
    }

    /// The process of a run exists.
    func began(_ run: RunID, _ identity: ProcessIdentity) {
        guard let slot = self.slots[run] else { return }
        self.store(identity, in: self.memory(of: slot))
    }

    /// Nothing of the run has to be known any more.
    func remove(_ run: RunID) {
        guard let slot = self.slots.removeValue(forKey: run) else { return }
        self.memory(of: slot).storeBytes(of: 0, toByteOffset: Offset.state, as: UInt32.self)
        self.vacant.append(slot)
    }

    /// There is nothing to be found after an orderly end.
    func discard() {
        self.clear()
        self.file.remove()
    }

    private func store(_ identity: ProcessIdentity, in memory: UnsafeMutableRawBufferPointer) {
        memory.storeBytes(of: identity.inode, toByteOffset: Offset.inode, as: UInt64.self)
        memory.storeBytes(of: identity.startTime, toByteOffset: Offset.startTime, as: UInt64.self)
        memory.storeBytes(of: identity.pid, toByteOffset: Offset.pid, as: Int32.self)
    }

    private func takeSlot() -> Int? {
        if let slot = self.vacant.popLast() { return slot }
        guard self.count < Self.maximumSlots else { return nil }
        let needed = Self.headerSize + (self.count + 1) * Self.slotSize
        if needed > self.file.bytes.count {
            let slots = min(Self.maximumSlots, self.count * 2)
            guard (try? self.file.grow(to: Self.headerSize + slots * Self.slotSize)) != nil else { return nil }
        }
        self.count += 1
        return self.count - 1
    }

    private func memory(of slot: Int) -> UnsafeMutableRawBufferPointer {
        let start = Self.headerSize + slot * Self.slotSize
        return UnsafeMutableRawBufferPointer(rebasing: self.file.bytes[start..<(start + Self.slotSize)])
    }

    /// Begins anew.
    private func clear() {
        self.slots = [:]
        self.vacant = []
        self.count = 0
        _ = self.file.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        self.file.bytes.storeBytes(of: Self.magic, as: UInt64.self)
        self.file.bytes.storeBytes(of: Self.version, toByteOffset: 8, as: UInt64.self)
        UnsafeMutableRawBufferPointer(rebasing: self.file.bytes[Self.ownerOffset..<Self.headerSize]).copyBytes(
            from: self.owner
        )
    }

    // MARK: Reading

    private var isOwn: Bool {
        let bytes = UnsafeRawBufferPointer(self.file.bytes)
        return bytes.load(as: UInt64.self) == Self.magic
            && bytes.load(fromByteOffset: 8, as: UInt64.self) == Self.version
            && bytes[Self.ownerOffset..<Self.headerSize].elementsEqual(self.owner)
    }

    /// `nil` for a free slot, and for what cannot be read.
    private func entry(in slot: Int) -> Entry? {
        let memory = UnsafeRawBufferPointer(self.memory(of: slot))
        let length = Int(memory.load(fromByteOffset: Offset.length, as: UInt32.self))
        guard memory.load(fromByteOffset: Offset.state, as: UInt32.self) == 1,
            length <= Self.slotSize - Offset.body,
            let announcement = try? RunAnnouncement(
                UnsafeRawBufferPointer(rebasing: memory[Offset.body..<(Offset.body + length)])
            )
        else { return nil }
        let identity = ProcessIdentity(
            pid: memory.load(fromByteOffset: Offset.pid, as: Int32.self),
            inode: memory.load(fromByteOffset: Offset.inode, as: UInt64.self),
            startTime: memory.load(fromByteOffset: Offset.startTime, as: UInt64.self)
        )
        let isKnown = identity.inode != 0 || identity.startTime != 0
        return Entry(announcement: announcement, pid: max(0, identity.pid), identity: isKnown ? identity : nil)
    }
}
