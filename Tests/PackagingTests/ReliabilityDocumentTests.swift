import TestSupport
import Testing

extension PackagingTests {
    /// docs/reliability.md names the command that shows each promise.
    @Suite struct ReliabilityDocumentTests {
        @Test func theTestsThatItNamesAreThere() throws {
            let document = try Sources.text("docs/reliability.md")
            let names = Set(
                document.split(separator: "`").filter { $0.hasPrefix("swift test --filter ") }.compactMap {
                    $0.split(separator: " ").last?.split(separator: ".").last
                }
            )
            #expect(names.count > 10)
            for name in names {
                let result = try run([
                    "/bin/grep", "-rqE", "(struct|enum) \(name)\\b", Sources.path("Tests"),
                ])
                #expect(result.code == 0, "no suite is called \(name)")
            }
        }

        @Test func makeKnowsTheCampaign() throws {
            let makefile = try Sources.text("Makefile")
            #expect(makefile.contains("\ncampaign:"))
        }
    }
}
