import Glibc

/// A list of C strings as execve(2) takes it, made once.
final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    let texts: [String]

    init(_ texts: [String]) {
        self.texts = texts
        self.pointers = .allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() {
            (self.pointers + index).initialize(to: strdup(text))
        }
        (self.pointers + texts.count).initialize(to: nil)
    }

    deinit {
        for index in self.texts.indices {
            free(self.pointers[index])
        }
        self.pointers.deallocate()
    }

    /// The environment of this process, without the given variables.
    static func environment(without names: Set<String>) -> [String] {
        var texts: [String] = []
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if !names.contains(String(text.prefix { $0 != "=" })) {
                texts.append(text)
            }
            next += 1
        }
        return texts
    }
}
