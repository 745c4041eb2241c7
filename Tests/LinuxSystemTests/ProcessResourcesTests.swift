import Glibc
import Testing

@testable import LinuxSystem

@Suite struct ProcessResourcesTests {
    private static let line = """
        4242 (a (b) c) S 1 4242 4242 0 -1 4194560 2000 30 0 0 125 50 200 25 20 0 3 0 987654 104857600 2560 \
        18446744073709551615 1 1 0 0 0 0 0 4096 16384 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0
        """

    private func parse(_ text: String) -> ProcessResources? {
        let bytes = Array(text.utf8)
        return ProcessResources(parsing: bytes.span)
    }

    @Test func theLineOfAProcessIsRead() throws {
        let resources = try #require(self.parse(Self.line))
        // Own and waited-for children's, in ticks of 10 ms.
        #expect(resources.processorTime == .milliseconds(4000))
        #expect(resources.threads == 3)
        #expect(resources.startTime == 987_654)
        #expect(resources.virtualBytes == 104_857_600)
        #expect(resources.residentBytes == 2560 * Int64(sysconf(Int32(_SC_PAGESIZE))))
    }

    @Test func whatIsNoSuchLineIsRefused() {
        for text in [
            "", "1", "1 (x)", "1 (x) S", "1 (x) S 1 2 3", ")", "1 (x) S " + String(repeating: "x ", count: 50),
        ] {
            #expect(self.parse(text) == nil)
        }
    }

    @Test func thisProcessCanBeLookedAt() throws {
        let resources = try #require(ProcessResources.of(getpid()))
        #expect(resources.residentBytes > 1 << 20 && resources.virtualBytes > resources.residentBytes)
        #expect(resources.threads >= 1 && resources.startTime > 0)
        #expect(try #require(ProcessResources.openDescriptors()) >= 3)
        // No process has a number below one.
        #expect(ProcessResources.of(-1) == nil)
    }
}
