/// Reads the values of one file into the types of the settings; what is wrong goes to the list of problems, and the
/// answer is then `nil`.
struct ValueReader {
    /// As problems show it.
    let file: String
    /// The absolute directory that the file's relative paths begin at.
    let directory: String
    let problems: ProblemList
    /// Whether the group database knows a name.
    let groupExists: @Sendable (_ name: String) -> Bool

    func origin(_ place: TOMLPlace) -> Origin {
        Origin(file: self.file, place: place)
    }

    /// A problem with a value.
    func report(_ value: TOMLValue, _ message: String, _ advice: String = "") {
        self.problems.add(self.origin(value.place), message, advice)
    }

    /// What is said of a value: its key in quotation marks, `an element of "success"` for one in an array.
    func wrongKind(_ value: TOMLValue, _ name: String, _ wanted: String, _ example: String) {
        self.report(value, "\(name) must be \(wanted), not \(value.kindName)", "write it as in \(example)")
    }

    /// A key that `section` does not read: not supported yet, or unknown.
    func refuse(_ entry: TOMLEntry, of section: Section) {
        guard let later = section.later[entry.key] else {
            let message = "\(Quoted.text(entry.key)) is not a key of \(section.phrase)"
            self.problems.add(self.origin(entry.place), message, section.advice(for: entry.key))
            return
        }
        var inner: [TOMLEntry] = []
        if case .table(let keys) = later {
            inner = Self.entries(below: entry.value)
            let later = Dictionary(uniqueKeysWithValues: keys.map { ($0, Section.Later.value) })
            let table = Section("\"\(entry.key)\"", [], later: later, isLater: true)
            for entry in inner {
                self.refuse(entry, of: table)
            }
        }
        // A table is refused key by key, so that each is told; one without keys as a whole.
        if inner.isEmpty {
            let name = section.isLater ? "\"\(entry.key)\" in \(section.phrase)" : "\"\(entry.key)\""
            self.problems.add(self.origin(entry.place), "\(name) is not supported yet", "remove it")
        }
    }

    /// The entries of a table, or of all the tables of an array.
    private static func entries(below value: TOMLValue) -> [TOMLEntry] {
        switch value.content {
        case .table(let entries): entries
        case .array(let elements): elements.flatMap(Self.entries(below:))
        default: []
        }
    }

    /// The entries of a table.
    func table(_ entry: TOMLEntry, example: String) -> [TOMLEntry]? {
        guard case .table(let entries) = entry.value.content else {
            self.wrongKind(entry.value, Quoted.text(entry.key), "a table", example)
            return nil
        }
        return entries
    }

    /// A text without zero bytes: the kernel ends arguments, paths and variables at one.
    func string(_ value: TOMLValue, _ name: String, example: String) -> String? {
        guard case .string(let text) = value.content else {
            self.wrongKind(value, name, "a string", example)
            return nil
        }
        guard !text.utf8.contains(0) else {
            self.report(value, "\(name) must not hold a zero byte", "remove \\u0000")
            return nil
        }
        return text
    }

    func string(_ entry: TOMLEntry, example: String) -> String? {
        self.string(entry.value, "\"\(entry.key)\"", example: example)
    }

    /// The elements of an array, each with its place.
    func array(_ entry: TOMLEntry, of what: String, example: String) -> [TOMLValue]? {
        guard case .array(let elements) = entry.value.content else {
            self.wrongKind(entry.value, "\"\(entry.key)\"", "an array of \(what)", example)
            return nil
        }
        return elements
    }

    func boolean(_ entry: TOMLEntry) -> Bool? {
        guard case .boolean(let value) = entry.value.content else {
            self.wrongKind(entry.value, "\"\(entry.key)\"", "true or false", "\(entry.key) = true")
            return nil
        }
        return value
    }

    func integer(_ entry: TOMLEntry, _ range: ClosedRange<Int>, example: String) -> Int? {
        guard case .integer(let number) = entry.value.content else {
            self.wrongKind(entry.value, "\"\(entry.key)\"", "a whole number", example)
            return nil
        }
        guard let value = Int(exactly: number), range.contains(value) else {
            let bounds = "from \(range.lowerBound) to \(range.upperBound)"
            self.report(entry.value, "\"\(entry.key)\" must be \(bounds), not \(number)", "write it as in \(example)")
            return nil
        }
        return value
    }

    /// A number; a whole one will do.
    func number(_ entry: TOMLEntry, _ range: ClosedRange<Double>, example: String) -> Double? {
        let value: Double
        switch entry.value.content {
        case .float(let number): value = number
        case .integer(let number): value = Double(number)
        default:
            self.wrongKind(entry.value, "\"\(entry.key)\"", "a number", example)
            return nil
        }
        // Not a number is in no range.
        guard range.contains(value) else {
            let bounds = "from \(range.lowerBound) to \(range.upperBound)"
            self.report(entry.value, "\"\(entry.key)\" must be \(bounds), not \(value)", "write it as in \(example)")
            return nil
        }
        return value
    }
}
