import Glibc
import LinuxSystem

/// What all streams need for a moment and none keeps.
final class Workbench {
    let buffer: UnsafeMutableRawBufferPointer
    /// A pipe into which others are copied to look at their bytes without taking them.
    private var pipe: (Int32, Int32)?
    /// Ends files that have no name any more, so that no worker waits for it.
    let disposal = DescriptorDisposal(name: "output-disposal", limit: OutputLimits.endingFiles)

    /// Through which much output goes; `nil` when nobody would keep what is in it.
    let transit: Transit?

    init(transit: Transit?) {
        self.transit = transit
        self.buffer = .allocate(byteCount: OutputLimits.chunk, alignment: 16)
    }

    deinit {
        self.buffer.deallocate()
        if let (readEnd, writeEnd) = self.pipe {
            Descriptor(owning: readEnd).close()
            Descriptor(owning: writeEnd).close()
        }
    }

    /// Up to `count` of the first bytes that wait in a pipe, which keeps them. Fewer when they are spread over many small
    /// writes; none when there is no descriptor left for looking.
    func peek(_ source: Int32, count: Int) -> UnsafeRawBufferPointer {
        let nothing = UnsafeRawBufferPointer(rebasing: self.buffer[..<0])
        if self.pipe == nil {
            guard let pipe = try? Pipe() else { return nothing }
            self.pipe = pipe.split { ($0.take(), $1.take()) }
        }
        let wanted = min(count, self.buffer.count)
        guard let (readEnd, writeEnd) = self.pipe,
            let copied = try? PipeContents.copy(from: source, to: writeEnd, count: wanted), copied > 0
        else { return nothing }
        var count = 0
        while count < copied {
            let target = UnsafeMutableRawBufferPointer(rebasing: self.buffer[count..<copied])
            guard let more = try? PipeContents.read(from: readEnd, into: target), more > 0 else { break }
            count += more
        }
        return UnsafeRawBufferPointer(rebasing: self.buffer[..<count])
    }

    /// Whether it may help to try again what failed: a file that was being ended has given its place back.
    func madeRoom(after error: Errno) -> Bool {
        (error.rawValue == ENOSPC || error.rawValue == EDQUOT) && self.disposal.finish()
    }

    /// Takes up to a buffer full of bytes out of a non-blocking pipe; `nil` when there are none at present.
    func take(from pipe: Int32, count: Int) -> UnsafeRawBufferPointer? {
        let target = UnsafeMutableRawBufferPointer(rebasing: self.buffer[..<min(count, self.buffer.count)])
        guard let taken = try? PipeContents.read(from: pipe, into: target) else { return nil }
        return UnsafeRawBufferPointer(rebasing: self.buffer[..<taken])
    }
}
