internal import CLinux

/// What a child tells of itself to another process before it does anything else, so that whoever inherits it knows it even
/// when its parent ends at this very instant.
///
/// It is one datagram with the child's own pidfd as the first descriptor. The child does not wait: when nobody reads, the
/// announcement fails and the start goes on (`Spawned.announcementError`).
public struct SpawnAnnouncement: Sendable {
    /// How many descriptors can go with it, beside the pidfd.
    public static let maximumDescriptors = Int(CL_ANNOUNCED_DESCRIPTORS)

    /// A connected socket that keeps messages apart.
    public var socket: Int32
    public var message: [UInt8]
    /// Where in `message` the child writes its pid, as 32 bits with the lowest first.
    public var pidOffset: Int
    /// Descriptors of this process that go with it; they stay this process's own.
    public var descriptors: [Int32]

    public init(socket: Int32, message: [UInt8], pidOffset: Int, descriptors: [Int32]) {
        precondition(pidOffset >= 0 && pidOffset + 4 <= message.count, "the pid has no place in the announcement")
        precondition(descriptors.count <= Self.maximumDescriptors, "an announcement of too many descriptors")
        self.socket = socket
        self.message = message
        self.pidOffset = pidOffset
        self.descriptors = descriptors
    }

    /// Calls `body` with the announcement in C's form.
    func withCAnnouncement<Result>(_ body: (UnsafePointer<cl_spawn_announcement>) -> Result) -> Result {
        var message = self.message
        return message.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { preconditionFailure("an announcement without a message") }
            return self.descriptors.withUnsafeBufferPointer { descriptors in
                var announcement = cl_spawn_announcement(
                    socket: self.socket,
                    message: start,
                    length: UInt32(bytes.count),
                    pid_offset: UInt32(self.pidOffset),
                    descriptors: descriptors.baseAddress,
                    descriptor_count: UInt32(descriptors.count)
                )
                return body(&announcement)
            }
        }
    }
}
