internal import LinuxSystem

/// Gives exits their `seq` and transitions their `id`: rising by one, and never one that was given before.
struct Numbering {
    /// How many numbers are reserved at a time. After a loss of power, or of the database, so many may be left out.
    static let exitSlack: Int64 = 1_000
    static let transitionSlack: Int64 = 10_000

    private let file: SequenceFile
    private let bootID: String
    private(set) var lastExit: Int64
    private(set) var lastTransition: Int64
    /// As it stands in the file; `nil` when it could not be written.
    private var reserved: SequenceFile.Content?

    /// What the database says, as far as there is one that can be read.
    struct Known: Equatable {
        var lastExit: Int64
        var lastTransition: Int64
    }

    init(file: SequenceFile, bootID: String, known: Known?) {
        self.file = file
        self.bootID = bootID.isEmpty ? "unknown" : bootID
        self.lastExit = known?.lastExit ?? 0
        self.lastTransition = known?.lastTransition ?? 0
        guard let content = file.read() else { return }
        // The database is believed when it was in use in this boot and what it says lies where it must: an older copy of
        // it, or one that lost its newest pages, does not know all numbers.
        let isBelieved = content.mode == .open && content.bootID == self.bootID
        let mayBeLast = content.exits.lowerBound - 1...content.exits.upperBound
        let mayBeLastTransition = content.transitions.lowerBound - 1...content.transitions.upperBound
        if !isBelieved || !mayBeLast.contains(self.lastExit) {
            self.lastExit = max(self.lastExit, content.exits.upperBound)
        }
        if !isBelieved || !mayBeLastTransition.contains(self.lastTransition) {
            self.lastTransition = max(self.lastTransition, content.transitions.upperBound)
        }
    }

    var known: Known {
        Known(lastExit: self.lastExit, lastTransition: self.lastTransition)
    }

    mutating func takeExit() -> Int64 {
        self.lastExit += 1
        return self.lastExit
    }

    mutating func takeTransition() -> Int64 {
        self.lastTransition += 1
        return self.lastTransition
    }

    /// Takes note of numbers that turned up in a database.
    mutating func raise(to known: Known) {
        self.lastExit = max(self.lastExit, known.lastExit)
        self.lastTransition = max(self.lastTransition, known.lastTransition)
    }

    /// To be called before so many numbers are taken. A failure leaves the numbers usable; they are only not protected
    /// against the loss of the database.
    mutating func reserve(exits: Int, transitions: Int, mode: SequenceFile.Mode) throws(Errno) {
        let lastExit = self.lastExit + Int64(exits)
        let lastTransition = self.lastTransition + Int64(transitions)
        if let reserved = self.reserved, reserved.mode == mode, lastExit <= reserved.exits.upperBound,
            lastTransition <= reserved.transitions.upperBound
        {
            return
        }
        var content = SequenceFile.Content(
            mode: mode,
            exits: self.lastExit + 1...lastExit + Self.exitSlack,
            transitions: self.lastTransition + 1...lastTransition + Self.transitionSlack,
            bootID: self.bootID
        )
        if let reserved = self.reserved, mode == .degraded {
            // The database's last numbers lie before the ones that it was not told.
            content.exits = reserved.exits.lowerBound...content.exits.upperBound
            content.transitions = reserved.transitions.lowerBound...content.transitions.upperBound
        }
        // While the disk gives trouble, nobody waits for it to say that all is on it.
        try self.file.write(content, isSynced: mode == .open)
        self.reserved = content
    }

    /// At the orderly end: the next start goes on without a gap.
    func close() throws(Errno) {
        try self.file.write(
            SequenceFile.Content(
                mode: .exact,
                exits: self.lastExit...self.lastExit,
                transitions: self.lastTransition...self.lastTransition,
                bootID: self.bootID
            ),
            isSynced: true
        )
    }
}
