import Configuration
import Supervision
import Testing

/// A configuration that is read from a snapshot is the one that was read when it was taken.
@Suite struct SnapshotTests {
    private var system: SystemAccess {
        let files = [
            "/etc/reeve.toml": "[agent]\nstate_dir = \"/s\"\nlog_dir = \"/l\"\ninclude = [\"/etc/conf.d/*.toml\"]\n",
            "/etc/conf.d/a.toml": "[workers.a]\ncommand = [\"/bin/a\"]\n",
            "/etc/conf.d/b.toml": "[workers.b]\ncommand = [\"/bin/b\", \"F 3\\nxyz\"]\n",
        ]
        return SystemAccess(
            read: {
                files[$0].map { .success(Array($0.utf8)) } ?? .failure(.init(reason: "No such file or directory"))
            },
            glob: { .success($0 == "/etc/conf.d/*.toml" ? ["/etc/conf.d/b.toml", "/etc/conf.d/a.toml"] : []) },
            exists: { files[$0] != nil },
            userExists: { _ in false },
            groupExists: { _ in false },
            currentDirectory: { "/" }
        )
    }

    private func load(_ system: SystemAccess) throws(ConfigurationError) -> Settings {
        try ConfigurationLoader.load(path: "/etc/reeve.toml", environment: [:], isRoot: true, system: system)
    }

    @Test func whatWasReadIsReadAgain() throws {
        let (settings, snapshot) = try ConfigurationSnapshot.taken(from: self.system) { try self.load($0) }
        #expect(settings.workers.map(\.name) == ["a", "b"])
        let read = try #require(ConfigurationSnapshot(snapshot.bytes))
        #expect(read == snapshot)
        let elsewhere = SystemAccess(
            read: { _ in .failure(.init(reason: "gone")) },
            glob: { _ in .failure(.init(reason: "gone")) },
            exists: { _ in false },
            userExists: { _ in false },
            groupExists: { _ in false },
            currentDirectory: { "/" }
        )
        #expect(try self.load(read.access(on: elsewhere)) == settings)
    }

    @Test func whatIsCutOrDamagedIsNoSnapshot() throws {
        let bytes = try ConfigurationSnapshot.taken(from: self.system) { try self.load($0) }.snapshot.bytes
        #expect(ConfigurationSnapshot([]) == nil)
        for length in 0..<bytes.count {
            // One that ends between two parts is none of all files, and loading it says so.
            if let shorter = ConfigurationSnapshot(Array(bytes.prefix(length))) {
                #expect((try? self.load(shorter.access(on: self.system))) != (try? self.load(self.system)))
            }
        }
        var damaged = bytes
        damaged[bytes.count - 40] = 0xff
        _ = ConfigurationSnapshot(damaged)
    }
}
