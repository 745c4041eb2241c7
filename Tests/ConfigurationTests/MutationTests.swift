import Configuration
import Supervision
import Testing

/// A generator whose numbers follow from its seed (SplitMix64).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

@Suite struct MutationTests {
    private static let tokens: [String] = [
        "=", ".", "[", "]", "[[", "]]", "{", "}", "\"", "'", "\"\"\"", "'''", "#", "\n", "\r\n", ",", "\\", "\\u0000",
        "\0",
        "nan", "inf", "1e999", "-", "9223372036854775808", "0x", "{port}", "{", "{{", "$", "|", "\u{FEFF}", "\u{301}",
        "😀",
        "2027-12-31", "[workers.web]", "[workers.x.y.z]", "[defaults]", "a.b.c.d = 1", "command = ", "\u{7f}",
    ]

    private static let good = """
        [agent]
        state_dir = "/var/lib/reeve"
        include = ["conf.d/*.toml"]
        [control]
        socket_mode = "0660"
        peers = { operate = ["deploy", "@ops", 1000] }
        hosts = ["web1.example.org", "[::1]"]
        [[control.listeners]]
        address = "127.0.0.1:9190"
        anonymous = "monitor"
        [defaults]
        backoff.initial = "200ms"
        [workers.web]
        command = ["/bin/app", "--port={port}"]
        base_port = 8000
        instances = 2
        environment = { PORT = "{port}", "A.B" = 'x' }
        success = [0, "TERM"]
        [workers.web.stop]
        signal = "INT"
        command = "stop 'a b'"
        [workers.db]
        command = \"\"\"db "x y" \\
          z\"\"\"
        restart_limit = { restarts = 3, within = "1m" }
        """

    private static func mutated(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let index = Int.random(in: 0...bytes.count, using: &generator)
            let other = Int.random(in: 0...bytes.count, using: &generator)
            let range = min(index, other)..<min(max(index, other), min(index, other) + 40)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0 where index < bytes.count: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1 where index < bytes.count: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: bytes.removeSubrange(range)
            case 3: bytes.insert(contentsOf: Array(bytes[range]), at: index)
            case 4: bytes.removeLast(min(bytes.count, Int.random(in: 0..<20, using: &generator)))
            default:
                bytes.insert(
                    contentsOf: Array(Self.tokens.randomElement(using: &generator)?.utf8 ?? "".utf8),
                    at: index
                )
            }
        }
        return bytes
    }

    @Test func noMutationOfAGoodFileDoesHarm() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed of the mutations: \(seed)")
        var generator = SeededGenerator(state: seed)
        var system = TestSystem()
        #expect(system.problems(Self.good).isEmpty)
        let good = Array(Self.good.utf8)
        for round in 0..<4000 {
            let text = String(decoding: Self.mutated(good, &generator), as: UTF8.self)
            // Once as text, as the repair by String leaves it, and once as an included file.
            system.files["/here/conf.d/a.toml"] = round % 2 == 0 ? "" : text
            system.matches["conf.d/*.toml"] = ["conf.d/a.toml"]
            do throws(ConfigurationError) {
                let settings = try system.loadText(round % 2 == 0 ? text : Self.good)
                Self.check(settings, seed)
            } catch {
                Self.check(error, seed)
            }
        }
    }

    @Test func noBytesDoHarm() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed of the bytes: \(seed)")
        var generator = SeededGenerator(state: seed)
        let good = Array(Self.good.utf8)
        for _ in 0..<3000 {
            let bytes = Self.mutated(good, &generator)
            let access = SystemAccess(
                read: { _ in .success(bytes) },
                glob: { _ in .success([]) },
                exists: { _ in true },
                userExists: { _ in true },
                groupExists: { _ in true },
                currentDirectory: { "/" }
            )
            do throws(ConfigurationError) {
                let settings = try ConfigurationLoader.load(path: "x", environment: [:], isRoot: true, system: access)
                Self.check(settings, seed)
            } catch {
                Self.check(error, seed)
            }
        }
    }

    /// What is taken is as its type promises.
    private static func check(_ settings: Settings, _ seed: UInt64) {
        for worker in settings.workers {
            let isRight =
                !worker.command.isEmpty && worker.command[0] != "" && (1...64).contains(worker.name.utf8.count)
                && (0...10_000).contains(worker.instances) && worker.backoff.initial <= worker.backoff.max
                && worker.backoff.factor >= 1 && (0...1).contains(worker.backoff.jitter)
                && (worker.basePort ?? 1) + worker.instances - 1 <= 65535
            #expect(isRight, "seed \(seed): \(worker)")
            let placeholders = worker.placeholders(instance: max(0, worker.instances - 1))
            for text in worker.command + worker.stop.command + worker.environment.map(\.value) {
                #expect(throws: Never.self, "seed \(seed): \(text)") { try placeholders.expand(text) }
                #expect(!text.utf8.contains(0), "seed \(seed)")
            }
        }
        #expect(settings.control.socket.utf8.count <= 107, "seed \(seed)")
    }

    /// What is told is told on one line each, in order.
    private static func check(_ error: ConfigurationError, _ seed: UInt64) {
        #expect(!error.problems.isEmpty, "seed \(seed)")
        #expect(error.problems == error.problems.sorted(), "seed \(seed)")
        for problem in error.problems {
            let isPlain = problem.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
            #expect(isPlain, "seed \(seed): \(problem)")
        }
    }
}
