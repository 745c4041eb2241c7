import Glibc
import LinuxSystem
import Testing

@Suite struct DescriptorTests {
    @Test func whatIsOpenedIsCloseOnExec() throws {
        let file = try Descriptor.open("/dev/null", O_RDONLY)
        #expect(fcntl(file.rawValue, F_GETFD) == FD_CLOEXEC)
        let copy = try file.duplicate()
        #expect(fcntl(copy.rawValue, F_GETFD) == FD_CLOEXEC)
        #expect(copy.rawValue != file.rawValue)
        copy.close()
        file.close()
        let pipe = try Pipe()
        #expect(fcntl(pipe.readEnd.rawValue, F_GETFD) == FD_CLOEXEC)
        #expect(fcntl(pipe.writeEnd.rawValue, F_GETFD) == FD_CLOEXEC)
        pipe.split { reader, writer in
            reader.close()
            writer.close()
        }
    }

    @Test func openingWhatIsNotThereThrowsTheErrno() {
        #expect(throws: Errno.noEntry) {
            let file = try Descriptor.open("/no/such/file", O_RDONLY)
            file.close()
        }
    }

    @Test func takingItHandsTheOpenNumberOver() throws {
        let number = try Descriptor.open("/dev/null", O_RDONLY).take()
        #expect(fcntl(number, F_GETFD) >= 0)
        #expect(close(number) == 0)
    }

    @Test func oneDroppedOpenTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = try Descriptor.open("/dev/null", O_RDONLY)
        }
    }

    @Test func closingOneThatSomebodyElseClosedTraps() async {
        await #expect(processExitsWith: .failure) {
            let file = try Descriptor.open("/dev/null", O_RDONLY)
            close(file.rawValue)
            file.close()
        }
    }

    @Test func aReserveIsThereWhenNoOtherDescriptorIsLeft() async {
        await #expect(processExitsWith: .success) {
            let reserve = try ReserveDescriptor()
            let openFiles = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            var limit = rlimit()
            getrlimit(openFiles, &limit)
            limit.rlim_cur = 64
            setrlimit(openFiles, &limit)
            for _ in 0..<3 {
                // Each time, because the test's own machinery closes a file now and then.
                while open("/dev/null", O_RDONLY) >= 0 {}
                #expect(errno == EMFILE)
                let opened = reserve.lend { () -> Bool in
                    let number = open("/dev/null", O_RDONLY)
                    return number >= 0 && close(number) == 0
                }
                #expect(opened)
            }
        }
    }
}
