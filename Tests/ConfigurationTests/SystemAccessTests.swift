import Configuration
import Glibc
import Supervision
import Testing

/// Real files, in a directory of their own that is removed at the end.
@Suite struct SystemAccessTests {
    private let system = SystemAccess.linux

    private func withDirectory(_ body: (String) throws -> Void) throws {
        let template = try #require(strdup("/tmp/reeve-configuration-XXXXXX"))
        defer { free(template) }
        try #require(mkdtemp(template) != nil)
        let path = String(cString: template)
        defer { Self.remove(path) }
        try body(path)
    }

    private static func remove(_ path: String) {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." {
                    Self.remove("\(path)/\(name)")
                }
            }
            closedir(directory)
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    private func write(_ path: String, _ bytes: [UInt8]) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    @Test func readsRegularFilesUpToTheLimit() throws {
        try self.withDirectory { directory in
            let path = "\(directory)/reeve.toml"
            try self.write(path, [])
            #expect(self.system.read(path) == .success([]))
            try self.write(path, Array("a = 1\n".utf8))
            #expect(self.system.read(path) == .success(Array("a = 1\n".utf8)))
            let limit = ConfigurationLoader.maximumFileSize
            let full = [UInt8](repeating: 0x0a, count: limit)
            try self.write(path, full)
            #expect(self.system.read(path) == .success(full))
            try self.write(path, full + [0x0a])
            let reason = "it is larger than 1048576 bytes, the limit of a file"
            #expect(self.system.read(path) == .failure(.init(reason: reason)))
        }
    }

    @Test func readsNothingButRegularFiles() throws {
        try self.withDirectory { directory in
            #expect(self.system.read(directory) == .failure(.init(reason: "Is a directory")))
            #expect(self.system.read("\(directory)/x") == .failure(.init(reason: "No such file or directory")))
            // Must neither wait for a writer nor read without end.
            try #require(mkfifo("\(directory)/fifo", 0o600) == 0)
            #expect(self.system.read("\(directory)/fifo") == .failure(.init(reason: "it is not a regular file")))
            #expect(self.system.read("/dev/zero") == .failure(.init(reason: "it is not a regular file")))
            // Its size is said to be 0.
            #expect(try self.system.read("/proc/self/stat").get().isEmpty == false)
        }
    }

    @Test func findsWhatAPatternMatches() throws {
        try self.withDirectory { directory in
            for name in ["b.toml", "a.toml", ".hidden.toml", "c.txt"] {
                try self.write("\(directory)/\(name)", [])
            }
            let found = try self.system.glob("\(directory)/*.toml").get().sorted()
            #expect(found == ["\(directory)/a.toml", "\(directory)/b.toml"])
            #expect(self.system.glob("\(directory)/b.toml") == .success(["\(directory)/b.toml"]))
            #expect(self.system.glob("\(directory)/x*") == .success([]))
            #expect(self.system.glob("\(directory)/none/*.toml") == .success([]))
            #expect(self.system.glob("\(directory)/b.toml/*") == .success([]))
        }
    }

    @Test func knowsTheAccountsOfTheMachine() {
        #expect(self.system.userExists("root"))
        #expect(self.system.groupExists("root"))
        #expect(!self.system.userExists("no such user"))
        #expect(!self.system.groupExists(""))
        #expect(self.system.currentDirectory().hasPrefix("/"))
        #expect(self.system.exists("/proc"))
        #expect(!self.system.exists("/proc/none"))
    }

    @Test func loadsAConfigurationFromDisk() throws {
        try self.withDirectory { directory in
            try self.write("\(directory)/reeve.toml", Array("[agent]\ninclude = [\"[ab].toml\"]\n".utf8))
            for name in ["b", "a"] {
                let text = "[workers.\(name)]\ncommand = \"x\"\nenvironment_file = \"\(name).env\"\n"
                try self.write("\(directory)/\(name).toml", Array(text.utf8))
            }
            let settings = try ConfigurationLoader.load(
                path: "\(directory)/reeve.toml",
                environment: ["HOME": "/h"],
                isRoot: false
            )
            #expect(settings.workers.map(\.environmentFile) == ["\(directory)/a.env", "\(directory)/b.env"])
            #expect(settings.files == ["reeve", "a", "b"].map { "\(directory)/\($0).toml" })
        }
    }
}
