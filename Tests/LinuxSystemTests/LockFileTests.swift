import Glibc
import LinuxSystem
import Testing

@Suite struct LockFileTests {
    @Test func onlyOneHoldsItAndItsPidIsTold() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let path = "\(directory.path)/agent.lock"
        let lock = try LockFile(path: path)
        #expect(throws: LockFile.Failure.held(byPID: getpid())) {
            let second = try LockFile(path: path)
            second.unlock()
        }
        lock.unlock()
        // A child of another test has it too until its exec.
        #expect(
            eventually {
                guard let third = try? LockFile(path: path) else { return false }
                third.unlock()
                return true
            }
        )
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func aHolderIsKnownWhateverStandsInTheFile() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let path = try directory.file("agent.lock", "", mode: 0o600)
        let holder = open(path, O_RDWR | O_CLOEXEC)
        defer { close(holder) }
        #expect(flock(holder, LOCK_EX) == 0)
        let failure = #expect(throws: LockFile.Failure.self) {
            let lock = try LockFile(path: path)
            lock.unlock()
        }
        guard failure != .held(byPID: nil) else {
            print("skipped: /proc/locks has other numbers for this file system than stat(2)")
            return
        }
        #expect(failure == .held(byPID: getpid()))
        #expect(pwrite(holder, "1\n", 2, 0) == 2)
        #expect(throws: LockFile.Failure.held(byPID: getpid())) {
            let lock = try LockFile(path: path)
            lock.unlock()
        }
    }

    @Test func linksFIFOsAndMissingDirectoriesAreRefused() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let link = "\(directory.path)/link"
        #expect(symlink("/tmp/nowhere", link) == 0)
        let fifo = "\(directory.path)/fifo"
        #expect(mkfifo(fifo, 0o600) == 0)
        let cases: [(String, LockFile.Failure)] = [
            (link, .cannotOpen(Errno(rawValue: ELOOP))),
            (fifo, .notAFile),
            ("\(directory.path)/no/lock", .cannotOpen(.noEntry)),
            (directory.path, .cannotOpen(Errno(rawValue: EISDIR))),
        ]
        for (path, failure) in cases {
            #expect(throws: failure) {
                let lock = try LockFile(path: path)
                lock.unlock()
            }
        }
    }

    @Test func aLaterHoldersShorterPidReplacesTheText() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let path = try directory.file("agent.lock", "123456789012345\nmore\n", mode: 0o600)
        let lock = try LockFile(path: path)
        let file = open(path, O_RDONLY | O_CLOEXEC)
        #expect(SpawnerTests.readAll(file) == "\(getpid())\n")
        close(file)
        lock.unlock()
    }
}
