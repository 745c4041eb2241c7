internal import CLinux
internal import Glibc

/// argv, envp, path and directory as C wants them, in one block of memory that is used again for the next spawn.
struct SpawnArguments: ~Copyable {
    private var block: UnsafeMutableRawPointer?
    private var capacity = 0

    init() {}

    deinit {
        free(self.block)
    }

    /// Calls `body` with the request in C's form; `nil` when a string holds a NUL byte.
    mutating func withCRequest<Result>(
        _ request: SpawnRequest,
        nullDescriptor: Int32,
        highestPIDFD: Int32,
        _ body: (UnsafePointer<cl_spawn_request>) -> Result
    ) -> Result? {
        let pointers = request.arguments.count + request.environment.count + 2
        let table = pointers * MemoryLayout<UnsafeMutablePointer<CChar>?>.stride
        var size = table + request.executable.utf8.count + 1 + (request.directory?.utf8.count ?? 0) + 1
        for text in request.arguments {
            size += text.utf8.count + 1
        }
        for text in request.environment {
            size += text.utf8.count + 1
        }
        let block = self.reserve(size)
        let vector = block.bindMemory(to: UnsafeMutablePointer<CChar>?.self, capacity: pointers)
        var writer = Writer(next: block + table)
        let arguments = vector
        for (index, text) in request.arguments.enumerated() {
            arguments[index] = writer.append(text)
        }
        arguments[request.arguments.count] = nil
        let environment = vector + request.arguments.count + 1
        for (index, text) in request.environment.enumerated() {
            environment[index] = writer.append(text)
        }
        environment[request.environment.count] = nil
        let path = writer.append(request.executable)
        let directory = request.directory.map { UnsafePointer(writer.append($0)) }
        guard !writer.foundNUL else { return nil }
        var cRequest = cl_spawn_request(
            path: path,
            argv: arguments,
            envp: environment,
            directory: directory,
            descriptors: (
                Self.number(request.standardInput, nullDescriptor, 0),
                Self.number(request.standardOutput, nullDescriptor, 1),
                Self.number(request.standardError, nullDescriptor, 2)
            ),
            highest_pidfd: highestPIDFD,
            announcement: nil,
            pid_record: request.record?.place,
            open_files: DescriptorLimit.ofChildren
        )
        guard let announcement = request.announcement else { return body(&cRequest) }
        return announcement.withCAnnouncement {
            cRequest.announcement = $0
            return body(&cRequest)
        }
    }

    private static func number(_ stream: SpawnRequest.Stream, _ null: Int32, _ own: Int32) -> Int32 {
        switch stream {
        case .null: null
        case .inherit: own
        case .descriptor(let number): number
        }
    }

    private mutating func reserve(_ size: Int) -> UnsafeMutableRawPointer {
        if let block = self.block, size <= self.capacity {
            return block
        }
        free(self.block)
        let capacity = max(size, 16384)
        guard let block = malloc(capacity) else { fatalError("no memory for \(capacity) bytes of arguments") }
        self.block = block
        self.capacity = capacity
        return block
    }

    /// Puts one C string behind the other.
    private struct Writer {
        var next: UnsafeMutableRawPointer
        var foundNUL = false

        mutating func append(_ text: String) -> UnsafeMutablePointer<CChar> {
            var text = text
            let start = self.next
            let (length, hasNUL) = text.withUTF8 { bytes in
                guard let base = bytes.baseAddress, bytes.count > 0 else { return (0, false) }
                memcpy(start, base, bytes.count)
                return (bytes.count, memchr(base, 0, bytes.count) != nil)
            }
            self.foundNUL = self.foundNUL || hasNUL
            start.storeBytes(of: 0, toByteOffset: length, as: UInt8.self)
            self.next = start + length + 1
            return start.assumingMemoryBound(to: CChar.self)
        }
    }
}
