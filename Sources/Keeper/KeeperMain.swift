import CLinux
import Glibc
import LinuxSystem

/// The keeper as a program. Call it on the main thread, before there is any other.
public enum KeeperMain {
    /// Guards an agent until it has ended on purpose; answers the exit code: the agent's, or 2 when another keeper runs.
    public static func run(_ options: KeeperOptions) -> Int32 {
        let log = KeeperLog()
        var options = options
        options.binary = options.binary ?? Self.ownPath
        var lock: Int32 = -1
        if let directory = options.stateDirectory {
            do throws(LockFile.Failure) {
                lock = try LockFile(path: directory + "/keeper.lock").take()
            } catch {
                log.write(.error, Self.explain(error, directory))
                return 2
            }
        }
        // The file as it is now, whatever its name leads to later.
        let executable = cl_open_program("/proc/self/exe")
        guard executable >= 0 else {
            log.write(.error, "cannot open its own program; is /proc mounted?", ["error": "\(Errno.current)"])
            return 1
        }
        do throws(Errno) {
            let keeper = try Keeper(
                options: options,
                executable: executable,
                lock: lock,
                limits: .change(),
                log: log
            )
            return try Self.keep(keeper) { $0.begin() }
        } catch {
            log.write(.error, "cannot start", ["error": "\(error)"])
            return 1
        }
    }

    /// Goes on for the keeper that this process was until a moment ago; the exit code, or `nil` when it was none. To be
    /// called before anything else is done with the arguments.
    public static func resume() -> Int32? {
        if let number = Self.descriptor(named: KeeperEnvironment.check) {
            return (try? Self.readState(number)) == nil ? 1 : 0
        }
        guard let number = Self.descriptor(named: KeeperEnvironment.state) else { return nil }
        unsetenv(KeeperEnvironment.state)
        let log = KeeperLog()
        do {
            let state = try Self.readState(number)
            close(number)
            for descriptor in state.descriptors {
                _ = cl_set_close_on_exec(descriptor, 1)
            }
            let keeper = try Keeper(
                options: state.options,
                executable: state.executable,
                lock: state.lock,
                limits: state.limits,
                transit: state.transit.isEmpty ? nil : TransitPipe(owning: state.transit),
                log: log
            )
            return try Self.keep(keeper) { $0.resume(state) }
        } catch {
            // The new binary has read the same state a moment ago, so this is a fault of the machine.
            log.write(.error, "cannot go on", ["error": "\(error)"])
            return 1
        }
    }

    private static func keep(_ keeper: Keeper, begin: (Keeper) -> Void) throws(Errno) -> Int32 {
        // A process that tells it of itself is on its way to become a worker's program.
        SystemThread.enterBackground()
        // What it registers stays until the process ends, so it stays until then too.
        return try Unmanaged.passRetained(keeper).takeUnretainedValue().run(begin: begin)
    }

    private static func descriptor(named variable: String) -> Int32? {
        getenv(variable).flatMap { Int32(String(cString: $0)) }.flatMap { $0 > 2 ? $0 : nil }
    }

    private static func readState(_ number: Int32) throws(HandoverError) -> KeeperState {
        var status = stat()
        guard fstat(number, &status) == 0, status.st_size > 0 else { throw .noMessage }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        guard pread(number, &bytes, bytes.count, 0) == bytes.count else { throw .tooShort }
        return try bytes.withUnsafeBytes { bytes in
            Result { () throws(HandoverError) in try KeeperState(bytes) }
        }.get()
    }

    /// Where this program was started from.
    private static var ownPath: String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlink("/proc/self/exe", start, buffer.count)
            guard count > 0 else { return nil }
            let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            // What the kernel adds when the file was replaced already.
            return path.hasSuffix(" (deleted)") ? String(path.dropLast(10)) : path
        }
    }

    private static func explain(_ failure: LockFile.Failure, _ directory: String) -> String {
        switch failure {
        case .held(let pid):
            let who = pid.map { " (pid \($0))" } ?? ""
            return
                "another keeper\(who) is running with the state directory \(directory); stop it or name another state_dir"
        case .notAFile: return "cannot lock \(directory)/keeper.lock: it is no regular file"
        case .cannotOpen(let error), .cannotLock(let error): return "cannot lock \(directory)/keeper.lock: \(error)"
        }
    }
}
