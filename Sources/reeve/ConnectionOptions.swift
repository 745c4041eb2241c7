import ArgumentParser
import Configuration
import ControlClient
import FoundationEssentials
import Glibc

/// Where the agent is: options that every command but `run` and `check-config` has.
struct ConnectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The agent's Unix socket.", valueName: "path"))
    var socket: String?

    @Option(
        help: ArgumentHelp("The agent's address over TCP, such as https://web1.example.org:9191.", valueName: "url")
    )
    var url: String?

    @Option(help: ArgumentHelp("A file that holds the token for --url.", valueName: "file"))
    var tokenFile: String?

    @Option(help: ArgumentHelp("The configuration that names the socket.", valueName: "file"))
    var config: String?

    func validate() throws {
        if self.socket != nil, self.url != nil {
            throw ValidationError("--socket and --url name two agents; give one of them")
        }
        if self.tokenFile != nil, self.url == nil {
            throw ValidationError("--token-file goes with --url; on the Unix socket the agent knows who asks")
        }
    }

    func connect() throws(CommandFailure) -> ControlClient {
        let endpoint = try self.endpoint()
        do {
            return try ControlClient(endpoint)
        } catch {
            throw CommandFailure(error)
        }
    }

    func endpoint() throws(CommandFailure) -> ControlEndpoint {
        if let socket = self.socket {
            return .unixSocket(socket)
        }
        if let url = self.url {
            return .url(url, token: try self.tokenFile.map(Self.token(file:)))
        }
        let isRoot = geteuid() == 0
        var search = SocketSearch(environment: ProcessInfo.processInfo.environment, isRoot: isRoot)
        search.complain = Terminal.complain
        return .unixSocket(try search.find(config: self.config))
    }

    /// The longest file that can be one with a token, in bytes.
    private static let maximumTokenFile = 4096

    private static func token(file: String) throws(CommandFailure) -> String {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw CommandFailure(.usage, "cannot read the token in \(Printable.line(file)): \(reason)")
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.maximumTokenFile)
        let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0, count < Self.maximumTokenFile else {
            throw CommandFailure(.usage, "cannot read the token in \(Printable.line(file)): it is not a small file")
        }
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        return String(text.drop(while: \.isWhitespace).prefix { !$0.isWhitespace })
    }
}
