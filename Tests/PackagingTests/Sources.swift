import TestSupport

/// The work tree that the tests were built from.
enum Sources {
    static let root: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(3).joined(separator: "/")
    }()

    static func path(_ name: String) -> String {
        "\(self.root)/\(name)"
    }

    static func text(_ name: String) throws -> String {
        guard let bytes = contents(ofFile: self.path(name)) else { throw UnexpectedAnswer("\(name) is missing") }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What scripts/install makes of the built program, in a directory instead of the root.
    static func install(into directory: String, prefix: String = "/usr") throws {
        let result = try run(
            [self.path("scripts/install")],
            environment: ["BINARY": executable, "DESTDIR": directory, "PREFIX": prefix],
            within: .seconds(60)
        )
        guard result.code == 0 else { throw UnexpectedAnswer("scripts/install: \(result.output)\(result.errors)") }
    }

    /// Whether `reeve run` is a keeper, which readiness, the watchdog and workers that outlive it are the work of.
    static let hasKeeper: Bool = {
        let users = [Self.path("Sources/reeve"), Self.path("Sources/Agent")]
        return (try? run(["/bin/grep", "-rq", "KeeperMain"] + users))?.code == 0
    }()
}
