internal import CMicroHTTPD
internal import Glibc

extension PeerCredentials {
    /// Groups that are asked for at once; Linux allows a process up to 65,536.
    private static let groupsAtOnce = 64
    private static let groupsAtMost = 65_536

    /// Who connected, as the kernel says; `nil` when it does not.
    init?(socket: Int32) {
        // struct ucred is pid, uid, gid; its declaration is a GNU extension that Swift's Glibc module does not show.
        var credentials: (pid: Int32, uid: UInt32, gid: UInt32) = (0, 0, 0)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0,
            length == MemoryLayout.size(ofValue: credentials)
        else { return nil }
        self.init(
            pid: credentials.pid,
            uid: credentials.uid,
            gid: credentials.gid,
            groups: Self.groups(socket)
        )
    }

    /// Without an answer of the kernel (SO_PEERGROUPS is of Linux 4.13) nobody has supplementary groups.
    private static func groups(_ socket: Int32) -> [UInt32] {
        for capacity in [Self.groupsAtOnce, Self.groupsAtMost] {
            var groups = [UInt32](repeating: 0, count: capacity)
            var length = socklen_t(capacity * MemoryLayout<UInt32>.size)
            if getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, &groups, &length) == 0 {
                return Array(groups.prefix(Int(length) / MemoryLayout<UInt32>.size))
            }
            guard errno == ERANGE else { return [] }
        }
        return []
    }
}
