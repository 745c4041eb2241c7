import Configuration
import Testing

/// What the papers and the examples show must be right.
@Suite struct DocumentedExamplesTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    private func problems(_ text: String) -> [String] {
        do throws(ConfigurationError) {
            _ = try ConfigurationLoader.loadText(text, environment: ["HOME": "/home/me"], isRoot: false)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    /// The blocks of a page that are fenced as `language`.
    private func blocks(_ page: String, _ language: String) throws -> [String] {
        let text = String(decoding: try SystemAccess.linux.read("\(Self.root)/\(page)").get(), as: UTF8.self)
        return text.split(separator: "```\(language)\n").dropFirst().compactMap { block in
            block.split(separator: "```", omittingEmptySubsequences: false).first.map(String.init)
        }
    }

    @Test(arguments: ["README.md", "docs/configuration.md"])
    func blocksOfPagesAreRight(_ page: String) throws {
        let blocks = try self.blocks(page, "toml")
        #expect(!blocks.isEmpty)
        for block in blocks {
            #expect(self.problems(block) == [])
        }
    }

    @Test func examplesAreRight() throws {
        let paths = try SystemAccess.linux.glob("\(Self.root)/Examples/*.toml").get()
        #expect(!paths.isEmpty)
        for path in paths {
            #expect(throws: Never.self) {
                try ConfigurationLoader.load(path: path, environment: ["HOME": "/home/me"], isRoot: false)
            }
        }
    }

    @Test func theErrorsOfTheReferenceAreThoseThatAreTold() throws {
        let text = """
            [workers.web]
            retsart = "always"

            user = "app"
            instances = "2"
            command = "cat x | sort"
            """
        let told = self.problems(text).joined(separator: "\n") + "\n"
        #expect(try self.blocks("docs/configuration.md", "text") == [told])
    }
}
