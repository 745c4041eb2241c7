internal import Supervision

/// Texts that have a form of their own.
extension ValueReader {
    /// A duration of at least `minimum`.
    func duration(_ entry: TOMLEntry, atLeast minimum: Duration, example: String) -> Duration? {
        let advice = "write it as in \(example)"
        guard let text = self.string(entry, example: example) else { return nil }
        guard let value = DurationText.parse(text) else {
            let name = "\"\(entry.key)\""
            self.report(
                entry.value,
                "\(name) must be a whole number with a unit such as \(DurationText.examples), not \(Quoted.text(text))",
                "\(advice); at most \"\(DurationText.format(DurationText.maximum))\""
            )
            return nil
        }
        guard value >= minimum else {
            let least = DurationText.format(minimum)
            self.report(entry.value, "\"\(entry.key)\" must be at least \"\(least)\", not \(Quoted.text(text))", advice)
            return nil
        }
        return value
    }

    /// A number of bytes.
    func size(_ entry: TOMLEntry, _ range: ClosedRange<Int64>, example: String) -> Int64? {
        let advice = "write it as in \(example)"
        guard let text = self.string(entry, example: example) else { return nil }
        guard let value = SizeText.parse(text) else {
            let form = "a whole number of bytes, with a unit such as \(SizeText.examples)"
            self.report(entry.value, "\"\(entry.key)\" must be \(form), not \(Quoted.text(text))", advice)
            return nil
        }
        guard range.contains(value) else {
            let bounds = "from \"\(SizeText.format(range.lowerBound))\" to \"\(SizeText.format(range.upperBound))\""
            self.report(entry.value, "\"\(entry.key)\" must be \(bounds), not \(Quoted.text(text))", advice)
            return nil
        }
        return value
    }

    /// The name of a group that there is.
    func group(_ entry: TOMLEntry, example: String) -> String? {
        guard let name = self.string(entry, example: example) else { return nil }
        guard self.groupExists(name) else {
            self.report(entry.value, "there is no group \(Quoted.text(name))", "create it, or name another one")
            return nil
        }
        return name
    }

    /// One of a few words.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ entry: TOMLEntry,
        _ type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        let words = Choice.allCases.map(\.rawValue)
        let example = "\(entry.key) = \"\(words.first ?? "")\""
        guard let text = self.string(entry, example: example) else { return nil }
        if let value = Choice(rawValue: text) {
            return value
        }
        let advice = NearestName.of(text, among: words).map { "did you mean \"\($0)\"?" }
        let message = "\"\(entry.key)\" cannot be \(Quoted.text(text))"
        self.report(entry.value, message, advice ?? "write \(Quoted.list(words, "or"))")
        return nil
    }

    /// An absolute path; a relative one begins at the file's directory.
    func path(_ value: TOMLValue, _ name: String, example: String) -> String? {
        guard let text = self.string(value, name, example: example) else { return nil }
        let absolute = Path.standardized(Path.join(self.directory, text))
        if text.isEmpty {
            self.report(value, "\(name) must not be empty", "write it as in \(example)")
        } else if text.hasPrefix("~") {
            self.report(value, "\(name) cannot begin with \"~\", which only a shell expands", "write the whole path")
        } else if absolute.utf8.count >= Path.maximumLength {
            self.report(
                value,
                "\(name) is longer than \(Path.maximumLength - 1) bytes",
                "the kernel takes no longer path"
            )
        } else if let placeholder = Self.placeholders.first(where: { text.contains($0) }) {
            let message = "\(name) cannot hold \"\(placeholder)\""
            self.report(value, message, "placeholders are replaced in commands and in values of environment only")
        } else {
            return absolute
        }
        return nil
    }

    func path(_ entry: TOMLEntry, example: String) -> String? {
        self.path(entry.value, "\"\(entry.key)\"", example: example)
    }

    private static let placeholders = ["{worker}", "{instance}", "{port}"]
}
