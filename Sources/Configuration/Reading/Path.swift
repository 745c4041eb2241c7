/// Paths as texts; nothing here looks at a file system.
enum Path {
    /// PATH_MAX of Linux, the terminating zero included.
    static let maximumLength = 4096

    /// `name` as seen from `directory`: itself when it is absolute.
    static func join(_ directory: String, _ name: String) -> String {
        if name.hasPrefix("/") || directory.isEmpty || directory == "." {
            return name
        }
        return directory.hasSuffix("/") ? directory + name : directory + "/" + name
    }

    /// What is before the last slash: empty for a name without one, `/` for a name in the root.
    static func directory(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Without empty and `.` components. Components `..` stay: without the file system nobody knows where they lead.
    static func standardized(_ path: String) -> String {
        let components = path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
        return path.hasPrefix("/") ? "/" + components : components
    }

    /// As a pattern of glob(7) that matches `path` alone.
    static func escapedForGlob(_ path: String) -> String {
        var text = ""
        for scalar in path.unicodeScalars {
            if ["*", "?", "[", "\\"].contains(scalar) {
                text += "\\"
            }
            text.unicodeScalars.append(scalar)
        }
        return text
    }
}
