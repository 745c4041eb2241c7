import LinuxSystem
import Supervision

/// The read end of a run's pipe.
final class Source {
    let number: UInt64
    let run: RunID
    private var descriptor: Descriptor?
    let pipe: Int32
    let capacity: Int
    unowned let sink: Sink
    /// What was in the pipe when the run ended and was not taken yet: it stands before the output of the next run.
    var leftAtExit = 0
    var hasExited = false
    /// When it was its turn last, something was left.
    var hasMore = false
    /// Whether the pump is told when there is something.
    var isWatched = false

    init(_ descriptor: consuming Descriptor, number: UInt64, run: RunID, sink: Sink) {
        self.number = number
        self.run = run
        self.pipe = descriptor.rawValue
        self.capacity = PipeContents.capacity(of: self.pipe)
        self.sink = sink
        self.descriptor = consume descriptor
    }

    deinit {
        self.descriptor.take()?.close()
    }

    /// A second descriptor for the pipe, which belongs to the caller; `nil` when there is none to be had.
    func duplicate() -> Int32? {
        guard let copy = try? self.descriptor?.duplicate() else { return nil }
        return copy.take()
    }

    /// Whoever still writes to it gets SIGPIPE, as after the end of any reader.
    func close() {
        self.descriptor.take()?.close()
    }
}
