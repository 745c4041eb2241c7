import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import History

@Suite struct NumberingTests {
    private let directory: TemporaryDirectory
    private let file: SequenceFile

    init() throws {
        self.directory = try TemporaryDirectory()
        self.file = SequenceFile(path: self.directory.file("history.seq"))
    }

    private func numbering(
        _ lastExit: Int64?,
        _ lastTransition: Int64? = nil,
        bootID: String = Samples.bootID
    ) -> Numbering {
        let known = lastExit.map { Numbering.Known(lastExit: $0, lastTransition: lastTransition ?? $0) }
        return Numbering(file: self.file, bootID: bootID, known: known)
    }

    @Test func numbersBeginWithOneAndRiseByOne() throws {
        var numbering = self.numbering(nil)
        try numbering.reserve(exits: 2, transitions: 1, isSynced: true)
        #expect(numbering.takeExit() == 1)
        #expect(numbering.takeExit() == 2)
        #expect(numbering.takeTransition() == 1)
    }

    @Test func theFileSaysWhatMayHaveBeenGiven() throws {
        var numbering = self.numbering(41, 99)
        try numbering.reserve(exits: 1, transitions: 1, isSynced: true)
        let content = SequenceFile.Content(
            mode: .open,
            exits: 42...42 + Numbering.exitSlack,
            transitions: 100...100 + Numbering.transitionSlack,
            bootID: Samples.bootID
        )
        #expect(self.file.read() == content)
        // Until the reserve is used up nothing is written.
        try self.directory.write("untouched", to: "history.seq")
        for _ in 0..<Numbering.exitSlack {
            try numbering.reserve(exits: 1, transitions: 0, isSynced: true)
            _ = numbering.takeExit()
        }
        #expect(self.directory.read("history.seq") == "untouched")
        try numbering.reserve(exits: 1, transitions: 0, isSynced: true)
        #expect(self.file.read()?.exits.lowerBound == 42 + Numbering.exitSlack)
    }

    @Test func afterTheDeathOfTheAgentTheDatabaseIsBelieved() throws {
        var numbering = self.numbering(10)
        try numbering.reserve(exits: 5, transitions: 5, isSynced: true)
        #expect(self.numbering(10).lastExit == 10)
        #expect(self.numbering(15).lastExit == 15)
    }

    @Test func withoutTheDatabaseOrWithAnOlderCopyTheFileKnowsWhatWasShown() throws {
        var numbering = self.numbering(10)
        try numbering.reserve(exits: 5, transitions: 5, isSynced: true)
        for _ in 0..<5 {
            _ = numbering.takeExit()
        }
        _ = numbering.takeTransition()
        // Not confirmed, so nobody has seen them.
        #expect(self.numbering(nil).known == Numbering.Known(lastExit: 10, lastTransition: 10))
        try numbering.confirm()
        #expect(self.numbering(nil).known == Numbering.Known(lastExit: 15, lastTransition: 11))
        #expect(self.numbering(9).known == Numbering.Known(lastExit: 15, lastTransition: 11))
        // What was committed and not confirmed before the death counts as well.
        #expect(self.numbering(16, 12).known == Numbering.Known(lastExit: 16, lastTransition: 12))
    }

    @Test func afterAnotherBootTheReserveIsLeftOut() throws {
        var numbering = self.numbering(10)
        try numbering.reserve(exits: 5, transitions: 5, isSynced: true)
        #expect(self.numbering(12, bootID: "another").lastExit == 15 + Numbering.exitSlack)
    }

    @Test func anOrderlyEndLeavesNoGap() throws {
        var numbering = self.numbering(10, 20)
        try numbering.reserve(exits: 1, transitions: 1, isSynced: true)
        _ = numbering.takeExit()
        try numbering.close()
        #expect(self.numbering(11, 20, bootID: "another").known == Numbering.Known(lastExit: 11, lastTransition: 20))
        #expect(self.numbering(nil).known == Numbering.Known(lastExit: 11, lastTransition: 20))
    }

    @Test func aFileThatCannotBeUnderstoodIsNone() throws {
        for text in [
            "", "x", "reeve-history open 5 1 1 2 boot end", "reeve-history open 1 5 1 2 boot",
            "reeve-history odd 1 2 1 2 b end",
            "reeve-history open 1 99999999999999999999 1 2 boot end", "reeve-history open -1 5 1 2 boot end",
        ] {
            try self.directory.write(text, to: "history.seq")
            #expect(self.file.read() == nil)
            #expect(self.numbering(7).lastExit == 7)
        }
    }

    @Test func aFailureToWriteIsToldAndLeavesTheNumbersUsable() throws {
        var numbering = Numbering(
            file: SequenceFile(path: self.directory.file("missing/history.seq")),
            bootID: "",
            known: nil
        )
        #expect(throws: Errno.noEntry) { try numbering.reserve(exits: 1, transitions: 0, isSynced: true) }
        #expect(numbering.takeExit() == 1)
    }
}
