import Configuration
import ControlAPI
import Glibc

/// Turns the names of `control.peers` into numbers, once, at start: looking names up can block.
enum PeerResolution {
    /// Rules whose name is unknown by now are left out; the configuration was checked, so this is a race with its removal.
    static func resolve(_ rules: [PeerRule]) -> [PeerAccess] {
        rules.compactMap { rule in
            switch rule.principal {
            case .uid(let uid): PeerAccess(.user(uid), role: rule.role)
            case .user(let name): Self.uid(of: name).map { PeerAccess(.user($0), role: rule.role) }
            case .group(let name): Self.gid(of: name).map { PeerAccess(.group($0), role: rule.role) }
            }
        }
    }

    static func uid(of name: String) -> uid_t? {
        var entry = passwd()
        var buffer = [CChar](repeating: 0, count: 16_384)
        var found: UnsafeMutablePointer<passwd>?
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return entry.pw_uid
    }

    static func gid(of name: String) -> gid_t? {
        var entry = group()
        var buffer = [CChar](repeating: 0, count: 65_536)
        var found: UnsafeMutablePointer<group>?
        guard getgrnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return entry.gr_gid
    }
}
