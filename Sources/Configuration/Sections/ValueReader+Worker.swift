internal import Supervision

/// The values that only workers have.
extension ValueReader {
    /// The variables that the agent itself gives to each run.
    private static let ownVariables: Set<String> = ["REEVE_WORKER", "REEVE_INSTANCE", "REEVE_RUN_ID"]

    /// A command: an array of its arguments, or one string that is split as a shell would.
    func command(_ entry: TOMLEntry, mayBeEmpty: Bool) -> [WorkerDraft.Text]? {
        let example = "\(entry.key) = [\"/usr/bin/app\", \"--verbose\"]"
        let words: [WorkerDraft.Text]
        switch entry.value.content {
        case .string:
            guard let split = self.splitCommand(entry, example: example) else { return nil }
            words = split
        case .array(let elements):
            let texts = elements.map { element -> WorkerDraft.Text? in
                self.string(element, "an element of \"\(entry.key)\"", example: example)
                    .map { WorkerDraft.Text(text: $0, origin: self.origin(element.place)) }
            }
            guard !texts.contains(where: { $0 == nil }) else { return nil }
            words = texts.compactMap { $0 }
        default:
            self.wrongKind(entry.value, "\"\(entry.key)\"", "an array of strings or a string", example)
            return nil
        }
        guard let program = words.first else {
            guard !mayBeEmpty else { return [] }
            self.report(entry.value, "\"\(entry.key)\" must not be empty", "write it as in \(example)")
            return nil
        }
        guard !program.text.isEmpty else {
            let message = "the first element of \"\(entry.key)\" names the program and must not be empty"
            self.problems.add(program.origin, message, "write it as in \(example)")
            return nil
        }
        return words
    }

    private func splitCommand(_ entry: TOMLEntry, example: String) -> [WorkerDraft.Text]? {
        guard let text = self.string(entry, example: example) else { return nil }
        do throws(ShellWords.Failure) {
            let origin = self.origin(entry.value.place)
            return try ShellWords.split(text).map { WorkerDraft.Text(text: $0, origin: origin) }
        } catch {
            let name = "\"\(entry.key)\""
            switch error {
            case .needsShell(let character):
                self.report(
                    entry.value,
                    "\(name) is not run by a shell, which an unquoted \"\(character)\" would need",
                    "write \(entry.key) = [\"sh\", \"-c\", \"…\"], or quote it with ' or a backslash"
                )
            case .unclosed(let quote):
                self.report(entry.value, "\(name) has a \(quote) that is not closed", "write another \(quote)")
            case .trailingBackslash:
                self.report(entry.value, "\(name) ends with a backslash", "write two of them, or none")
            }
            return nil
        }
    }

    func environment(_ table: TOMLEntry) -> [WorkerDraft.Variable] {
        let example = "environment = { PORT = \"{port}\" }"
        return (self.table(table, example: example) ?? []).compactMap { entry in
            let name = Quoted.text(entry.key)
            let origin = self.origin(entry.place)
            if entry.key.isEmpty || entry.key.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "=") }) {
                let advice = "a name is not empty and holds neither \"=\" nor a zero byte"
                self.problems.add(origin, "\(name) cannot be the name of a variable", advice)
                return nil
            }
            if Self.ownVariables.contains(entry.key) {
                self.problems.add(origin, "\(name) is set by the agent for each run", "remove it")
                return nil
            }
            let example = "\(Quoted.printable(entry.key)) = \"…\""
            let value = self.string(entry.value, "the value of \(name)", example: example)
            return WorkerDraft.Variable(name: entry.key, value: value, origin: self.origin(entry.value.place))
        }
    }

    func signal(_ entry: TOMLEntry) -> Signal? {
        let example = "\(entry.key) = \"TERM\""
        guard let name = self.string(entry, example: example) else { return nil }
        guard let signal = Signal(name: name) else {
            self.unknownSignal(entry.value, name)
            return nil
        }
        return signal
    }

    private func unknownSignal(_ value: TOMLValue, _ name: String) {
        let near = NearestName.of(name.uppercased(), among: Self.signalNames)
        let advice = near.map { "did you mean \"\($0)\"?" } ?? "write a name such as \"TERM\" or \"SIGUSR1\""
        self.report(value, "there is no signal \(Quoted.text(name))", advice)
    }

    private static let signalNames = (Int32(1)...31).flatMap { number -> [String] in
        let name = Signal(number).description
        return [String(name.dropFirst(3)), name]
    }

    /// Exit codes and names of signals.
    func exits(_ entry: TOMLEntry) -> Set<ExitMatch>? {
        let what = "exit codes and names of signals"
        let example = "\(entry.key) = [0, \"TERM\"]"
        guard let elements = self.array(entry, of: what, example: example) else { return nil }
        let matches = elements.map { element -> ExitMatch? in
            switch element.content {
            case .integer(let code) where (0...255).contains(code):
                return .code(Int32(code))
            case .integer(let code):
                self.report(element, "an exit code is from 0 to 255, not \(code)", "write it as in \(example)")
            case .string(let name) where Int(name) != nil:
                // Signal takes numbers, but here 15 is an exit code and only a name is a signal.
                let advice = "write an exit code without quotation marks, and a signal by its name"
                self.report(element, "\(Quoted.text(name)) is neither an exit code nor the name of a signal", advice)
            case .string(let name):
                if let signal = Signal(name: name) {
                    return .signal(signal)
                }
                self.unknownSignal(element, name)
            default:
                let name = "an element of \"\(entry.key)\""
                self.wrongKind(element, name, "an exit code or the name of a signal", example)
            }
            return nil
        }
        guard !matches.contains(where: { $0 == nil }) else { return nil }
        return Set(matches.compactMap { $0 })
    }
}
