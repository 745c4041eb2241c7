import Glibc
import TestSupport
import Testing

extension PackagingTests {
    @Suite struct InstallTests {
        @Test func everyServiceFileNamesTheBinaryWhereItIs() throws {
            let directory = try TemporaryDirectory()
            try Sources.install(into: directory.path, prefix: "/opt/reeve")
            let result = try run([directory.file("opt/reeve/bin/reeve"), "--version"])
            // A debug build does not find its Swift there.
            #expect(result.code == 0 || result.errors.contains("libswift"), "\(result.errors)")

            let found = try run(["/bin/grep", "-rhoE", "/[a-z/]*/bin/reeve", directory.file("opt/reeve")]).output
            let names = Set(found.split(separator: "\n"))
            #expect(names == ["/opt/reeve/bin/reeve"], "no other is left over from the sources")
            let unit = directory.read("opt/reeve/lib/systemd/system/reeve.service")
            #expect(unit.contains("\nExecStart=/opt/reeve/bin/reeve run\n"))
            for script in ["runit/run", "runit/finish", "s6/run", "s6/finish", "s6/data/check", "openrc/reeve"] {
                #expect(access(directory.file("opt/reeve/share/reeve/\(script)"), X_OK) == 0, "\(script)")
            }
            #expect(!directory.exists("etc"), "nothing is configured or enabled")
        }

        @Test func theFirstConfigurationIsRight() throws {
            let result = try run([executable, "check-config", "--config", Sources.path("Packaging/reeve.toml")])
            #expect(result.code == 0, "\(result.output)\(result.errors)")
        }

        @Test func eachShellScriptCanBeParsed() throws {
            for script in ["runit/run", "runit/finish", "s6/run", "s6/finish", "s6/data/check", "openrc/reeve"] {
                let path = Sources.path("Packaging/\(script)")
                let result = try run(["/bin/sh", "-n", path])
                #expect(result.code == 0, "\(script): \(result.errors)")
                #expect(access(path, X_OK) == 0, "\(script) is not executable")
            }
        }
    }
}
