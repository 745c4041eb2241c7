internal import ControlMessages
internal import HTTPServer

/// Decides who asks, and whether the request came by a way that it may come by.
struct AccessPolicy {
    /// Over TCP nobody says who he is in this version, so nobody may change anything there.
    static let maximumRoleOverTCP = Role.read

    private let access: ControlAccess
    private let hosts: [Authority]
    /// For each listener over TCP what it listens on.
    private let addresses: [Authority?]

    init(_ access: ControlAccess) {
        self.access = access
        self.hosts = access.hosts.compactMap { Authority($0) }
        self.addresses = access.listeners.map { listener in
            switch listener {
            case .unix: nil
            case .tcp(let address, _, _): Authority(address)
            }
        }
    }

    /// Who asks.
    struct Caller {
        /// `nil` for one who may use only what is open to all.
        var role: Role?
        /// How operations name him, such as `uid:0`.
        var name: String
        var isLocal: Bool
    }

    func caller(_ connection: HTTPConnection) -> Caller {
        switch connection.peer {
        case .local(let peer):
            return Caller(role: self.role(of: peer), name: "uid:\(peer.uid)", isLocal: true)
        case .remote:
            return Caller(role: self.anonymousRole(connection.listener), name: "anonymous", isLocal: false)
        }
    }

    private func role(of peer: PeerCredentials) -> Role? {
        if peer.uid == 0 || peer.uid == self.access.agentUID {
            return .admin
        }
        return self.access.peers.filter { rule in
            switch rule.subject {
            case .user(let uid): peer.uid == uid
            case .group(let gid): peer.gid == gid || peer.groups.contains(gid)
            }
        }.map(\.role).max()
    }

    private func anonymousRole(_ listener: Int) -> Role? {
        guard self.access.listeners.indices.contains(listener),
            case .tcp(_, let anonymous?, let maximum) = self.access.listeners[listener]
        else { return nil }
        return min(anonymous, maximum ?? .admin, Self.maximumRoleOverTCP)
    }

    /// What is wrong with the way that the request came by, whatever its route. A page that a browser shows can make
    /// requests to this machine; it is known by a `Host` that is not ours (DNS rebinding) or by a foreign `Origin`.
    func refusal(_ headers: RequestHeaders, _ connection: HTTPConnection) -> Problem? {
        if case .remote = connection.peer {
            guard let host = headers.host.flatMap({ Authority($0) }), self.isOurs(host, connection.listener) else {
                return Problem(
                    .misdirectedRequest,
                    "Host names somebody else; use the listener's address, localhost or a name in control.hosts"
                )
            }
        }
        if let origin = headers.origin, !self.isOurOrigin(origin, connection.listener) {
            return Problem(.crossOrigin, "a page of another site asks; the agent answers only its own")
        }
        if let site = headers.secFetchSite, site != "none", site != "same-origin" {
            return Problem(.crossOrigin, "a page of another site asks; the agent answers only its own")
        }
        if headers.authorization != nil {
            return Problem(.notSupportedYet, "the header Authorization is not supported yet; use the Unix socket")
        }
        if headers.idempotencyKey != nil {
            return Problem(.notSupportedYet, "the header Idempotency-Key is not supported yet")
        }
        return nil
    }

    private func isOurs(_ authority: Authority, _ listener: Int) -> Bool {
        for allowed in self.hosts where allowed.host == authority.host {
            if allowed.port == nil || allowed.port == authority.port {
                return true
            }
        }
        guard self.addresses.indices.contains(listener), let address = self.addresses[listener] else { return false }
        guard authority.port == nil || authority.port == address.port else { return false }
        return authority.host == "localhost" || authority.host == address.host
            || address.isWildcard && authority.isNumeric
    }

    /// An origin is a scheme and an authority (RFC 6454, section 6.2); `null` is nobody's.
    private func isOurOrigin(_ origin: String, _ listener: Int) -> Bool {
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            guard let authority = Authority(origin.dropFirst(scheme.utf8.count)) else { return false }
            // A browser leaves out the scheme's own port. On a listener with another port a page without one is not ours.
            let port = authority.port ?? (scheme == "http://" ? 80 : 443)
            return self.isOurs(Authority(host: authority.host, port: port), listener)
        }
        return false
    }
}
