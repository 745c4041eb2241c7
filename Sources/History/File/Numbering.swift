internal import LinuxSystem

/// Gives exits their `seq` and transitions their `id`: rising by one, and never one that was given before.
struct Numbering {
    /// How many numbers are reserved at a time. After a loss of power so many may be left out.
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
        // All numbers before the ranges were given, whatever the database knows of them: it may be an older copy, or have
        // lost its newest pages. None of the ranges was shown in this boot; after another one, who knows what reached the
        // disk.
        let isExact = content.mode == .exact
        let isSameBoot = content.bootID == self.bootID
        let exit = isExact || !isSameBoot ? content.exits.upperBound : content.exits.lowerBound - 1
        let transition = isExact || !isSameBoot ? content.transitions.upperBound : content.transitions.lowerBound - 1
        self.lastExit = max(self.lastExit, exit)
        self.lastTransition = max(self.lastTransition, transition)
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
    ///
    /// - Parameter isSynced: whether the disk is to have it, which may take long while it gives trouble.
    mutating func reserve(exits: Int, transitions: Int, isSynced: Bool) throws(Errno) {
        let lastExit = self.lastExit + Int64(exits)
        let lastTransition = self.lastTransition + Int64(transitions)
        if let reserved = self.reserved, lastExit < reserved.exits.upperBound,
            lastTransition < reserved.transitions.upperBound
        {
            return
        }
        let content = SequenceFile.Content(
            mode: .open,
            exits: self.lastExit + 1...lastExit + Self.exitSlack,
            transitions: self.lastTransition + 1...lastTransition + Self.transitionSlack,
            bootID: self.bootID
        )
        try self.file.write(content, isSynced: isSynced)
        self.reserved = content
    }

    /// To be called when the numbers that were taken are committed, before they are shown: from now on they count as given,
    /// whether there is a database that knows them or not.
    mutating func confirm() throws(Errno) {
        guard var content = self.reserved, self.lastExit < content.exits.upperBound,
            self.lastTransition < content.transitions.upperBound
        else { return }
        content.exits = self.lastExit + 1...content.exits.upperBound
        content.transitions = self.lastTransition + 1...content.transitions.upperBound
        guard content != self.reserved else { return }
        // The kernel has it: that is enough against a death of the agent, and after another boot the whole range counts.
        try self.file.write(content, isSynced: false)
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
