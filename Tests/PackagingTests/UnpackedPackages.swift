import TestSupport

/// Debian packages that cannot be installed beside the init of the machine that tests, unpacked into a directory.
enum UnpackedPackages {
    static let sysvinit = unpacked("sysvinit-core")
    static let openrc = unpacked("openrc", "librc1", "libeinfo1")

    /// `nil` when they are not there and cannot be had.
    private static func unpacked(_ names: String...) -> String? {
        let result = try? run([Sources.path("scripts/unpack-packages")] + names, within: .seconds(60))
        guard let result, result.code == 0 else {
            print("skipped: \(names[0]) cannot be unpacked: \(result?.errors ?? "not within a minute")")
            return nil
        }
        return String(result.output.prefix { $0 != "\n" })
    }
}
