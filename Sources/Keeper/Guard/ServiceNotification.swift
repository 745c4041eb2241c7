import Glibc
import LinuxSystem

/// What a service tells its manager on the socket that NOTIFY_SOCKET names (sd_notify(3)); without libsystemd. One that
/// cannot be told is not waited for.
final class ServiceNotification {
    /// How often the manager wants to be told that all is well: half of WATCHDOG_USEC, as sd_watchdog_enabled(3) advises.
    let watchdogInterval: Duration?
    private let socket: Int32
    private var address = sockaddr_un()
    private var length: socklen_t

    /// `nil` when nobody wants to be told.
    init?(variable: (String) -> String?) {
        guard let path = variable("NOTIFY_SOCKET"), let first = path.utf8.first,
            first == UInt8(ascii: "/") || first == UInt8(ascii: "@"),
            path.utf8.count < MemoryLayout.size(ofValue: self.address.sun_path)
        else { return nil }
        self.address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &self.address.sun_path) { place in
            place.copyBytes(from: path.utf8)
            // A name in the abstract namespace begins with a NUL byte.
            if first == UInt8(ascii: "@") {
                place[0] = 0
            }
        }
        let prefix = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        self.length = socklen_t(prefix + path.utf8.count)
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        self.socket = Glibc.socket(AF_UNIX, type, 0)
        guard self.socket >= 0 else { return nil }
        self.watchdogInterval = Self.watchdog(variable)
    }

    deinit {
        Glibc.close(self.socket)
    }

    private static func watchdog(_ variable: (String) -> String?) -> Duration? {
        guard let microseconds = variable("WATCHDOG_USEC").flatMap(Int64.init), microseconds > 1 else { return nil }
        if let pid = variable("WATCHDOG_PID").flatMap(Int32.init), pid != getpid() {
            return nil
        }
        return .microseconds(microseconds / 2)
    }

    func ready() {
        self.send("READY=1\nMAINPID=\(getpid())\n")
    }

    func reloading() {
        let (seconds, attoseconds) = SuspendingClock().systemEpoch.duration(to: .now).components
        self.send("RELOADING=1\nMONOTONIC_USEC=\(seconds * 1_000_000 + attoseconds / 1_000_000_000_000)\n")
    }

    func stopping() {
        self.send("STOPPING=1\n")
    }

    func alive() {
        self.send("WATCHDOG=1\n")
    }

    func status(_ text: String) {
        self.send("STATUS=\(text)\n")
    }

    private func send(_ text: StaticString) {
        text.withUTF8Buffer { self.send(UnsafeRawBufferPointer($0)) }
    }

    private func send(_ text: String) {
        var text = text
        text.withUTF8 { self.send(UnsafeRawBufferPointer($0)) }
    }

    private func send(_ bytes: UnsafeRawBufferPointer) {
        let length = self.length
        let socket = self.socket
        withUnsafePointer(to: &self.address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(
                    socket,
                    bytes.baseAddress,
                    bytes.count,
                    Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL),
                    $0,
                    length
                )
            }
        }
    }
}
