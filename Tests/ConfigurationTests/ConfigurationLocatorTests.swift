import Configuration
import Testing

@Suite struct ConfigurationLocatorTests {
    private func locate(
        _ explicit: String? = nil,
        _ environment: [String: String] = [:],
        isRoot: Bool = false,
        having files: [String] = ["./reeve.toml", "/etc/reeve/reeve.toml"]
    ) throws(ConfigurationLocator.NotFound) -> String {
        let system = TestSystem(files: Dictionary(uniqueKeysWithValues: files.map { ($0, "") }))
        return try ConfigurationLocator.locate(
            explicit: explicit,
            environment: environment,
            isRoot: isRoot,
            system: system.access
        )
    }

    @Test func looksInTheOrderOfTheReference() throws {
        #expect(try self.locate("a.toml", ["REEVE_CONFIG": "b.toml"]) == "a.toml")
        #expect(try self.locate(nil, ["REEVE_CONFIG": "b.toml"]) == "b.toml")
        #expect(try self.locate(nil, ["REEVE_CONFIG": ""]) == "./reeve.toml")
        #expect(try self.locate() == "./reeve.toml")
        #expect(try self.locate(having: ["/etc/reeve/reeve.toml"]) == "/etc/reeve/reeve.toml")
    }

    @Test func rootDoesNotTrustTheCurrentDirectory() throws {
        #expect(try self.locate(isRoot: true) == "/etc/reeve/reeve.toml")
        #expect(throws: ConfigurationLocator.NotFound.self) { try self.locate(isRoot: true, having: ["./reeve.toml"]) }
    }

    @Test func namesAllPlacesThatWereLookedAt() {
        let error = #expect(throws: ConfigurationLocator.NotFound.self) { try self.locate(having: []) }
        #expect(error?.places == ["./reeve.toml", "/etc/reeve/reeve.toml"])
        #expect(
            error?.description
                == "cannot find a configuration: there is no ./reeve.toml and no /etc/reeve/reeve.toml; "
                + "name one with --config FILE or in REEVE_CONFIG"
        )
    }

    @Test func namesTheSocketsToTry() {
        func candidates(_ environment: [String: String], isRoot: Bool) -> [String] {
            ConfigurationLocator.defaultSocketCandidates(environment: environment, isRoot: isRoot)
        }
        let runtime = "/run/user/1/reeve/control.sock"
        let system = "/run/reeve/control.sock"
        #expect(candidates(["XDG_RUNTIME_DIR": "/run/user/1", "HOME": "/h"], isRoot: false) == [runtime, system])
        #expect(candidates(["XDG_RUNTIME_DIR": "/run/user/1"], isRoot: true) == [runtime, system])
        #expect(candidates(["HOME": "/h"], isRoot: false) == ["/h/.local/state/reeve/control.sock", system])
        #expect(candidates(["HOME": "/root"], isRoot: true) == [system])
        #expect(candidates([:], isRoot: false) == [system])
    }
}
