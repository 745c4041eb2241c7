/// Where an agent is reached.
public enum ControlEndpoint: Equatable, Sendable {
    /// The path of the agent's Unix socket.
    case unixSocket(String)
    /// A base such as `https://web1.example.org:9191`, and the token that says who the caller is.
    case url(String, token: String?)
}

extension ControlEndpoint: CustomStringConvertible {
    /// For messages; never the token.
    public var description: String {
        switch self {
        case .unixSocket(let path): path
        case .url(let url, _): url
        }
    }
}
