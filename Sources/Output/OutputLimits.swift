/// All bounds of the output in one place.
enum OutputLimits {
    /// What a run's pipe holds, where the kernel allows it.
    static let pipeCapacity = 1 << 20
    /// Bytes that one run may hand in before it is another's turn.
    static let turn = 512 << 10
    /// Of a stream of which no policy is known yet; sums with these cannot overflow.
    static let unlimitedSize: Int64 = 1 << 60
    static let unlimitedFiles = 1 << 30
    /// So many bytes at least go into a file by way of the transit pipe; for fewer the detour costs more than it brings.
    static let smallestTransit = 64 << 10
    /// Bytes that are read at once, where they have to be read.
    static let chunk = 64 << 10
    /// How much larger than its `max_size` a file may become so that a line is not divided.
    static let lineOverrun = 64 << 10
    /// What is kept in memory of one stream that cannot be written, and of all such streams.
    static let heldPerStream = 1 << 20
    static let heldInAll = 64 << 20
    /// Under so many such streams that their shares would be smaller than this, each has this.
    static let smallestHeld = 4 << 10
    /// How long the pipe of an ended run is emptied at once. What is left then is taken as any other output.
    static let drainTime = Duration.milliseconds(50)
    /// Pipes of ended runs that something still holds open, for one stream. The oldest is closed for the next.
    static let lingeringRuns = 64
    /// Files that were rotated out and still take their place, beyond `keep_files`; and how large one is that is not ended at once.
    static let endingFiles = 2
    static let largeFile: Int64 = 1 << 20
    /// The tail of standard error in an exit record, in bytes of UTF-8.
    static let errorTail = 4096
    /// Records in an index; beyond, the oldest go or are put together.
    static let indexRecords = 6000
    static let indexRuns = 2000
    static let indexTimes = 2000
    /// Marks of time that may wait in memory before they are written.
    static let pendingTimes = 32
    /// The distance of two marks of time.
    static let timeResolution = Duration.seconds(1)
    /// Bytes in one answer to a reader.
    static let page = 256 << 10
    /// Lines and bytes that a tail looks back, in each stream.
    static let tailLines = 10_000
    static let tailBytes = 16 << 20
    /// How long it is waited for more from a run that writes much and of which nothing is left.
    static let briskDelay = Duration.microseconds(100)
    /// How long what waits in pipes may wait there when there is little of it.
    static let firstDelay = Duration.microseconds(250)
    static let longestDelay = Duration.milliseconds(20)
    /// So many bytes from one run in one turn mean that more will follow at once.
    static let busyBytes = 128 << 10
    /// Where a piece that goes into a file ends rather than anywhere, when it is large enough: the page cache takes such pieces in a
    /// few large parts instead of many small ones.
    static let pieceEnds = [512 << 10, 256 << 10, 64 << 10]
    /// How often it is looked whether a file is still where it should be, while something is written to it.
    static let pathInterval = Duration.seconds(2)
    /// How often the pipes of streams that cannot be written are looked at.
    static let reliefInterval = Duration.milliseconds(100)
    static let firstRetry = Duration.seconds(1)
    static let lastRetry = Duration.seconds(30)
    /// How long files of a stream without runs stay open.
    static let idleTime = Duration.seconds(30)
}
