internal import Supervision

/// One reading of a configuration: the files as they are found, and what each of them adds.
final class ConfigurationReading {
    private let system: SystemAccess
    private let problems = ProblemList()
    /// The main file as problems show it.
    private let mainFile: String
    private let mainPath: String

    private var agent = AgentSection()
    private var control = ControlSection()
    private var history = HistorySection()
    private var defaults = WorkerDraft()
    private var workers: [Worker] = []
    private var origins: [String: Origin] = [:]
    private var files: [String] = []

    private struct Worker {
        var name: String
        var origin: Origin
        var draft: WorkerDraft
    }

    init(path: String, system: SystemAccess) {
        self.system = system
        self.mainFile = path
        self.mainPath = Path.standardized(Path.join(system.currentDirectory(), path))
    }

    /// The settings, or everything that is wrong.
    func settings(_ paths: DefaultPaths) throws(ConfigurationError) -> Settings {
        let agent = self.agent.settings(paths, file: self.mainFile, self.problems)
        let control = self.control.settings(
            paths,
            stateDirectory: agent.stateDirectory,
            file: self.mainFile,
            self.problems
        )
        let workers = self.workers.map { worker in
            worker.draft.filled(from: self.defaults).specification(name: worker.name, at: worker.origin, self.problems)
        }
        guard self.problems.problems.isEmpty else {
            throw ConfigurationError(self.problems.problems)
        }
        return Settings(
            agent: agent,
            control: control,
            history: self.history.settings,
            workers: workers,
            files: self.files
        )
    }

    /// The control socket of the main file alone; `nil` when the file does not tell.
    func controlSocket(_ paths: DefaultPaths) -> String? {
        guard case .success(let bytes) = self.system.read(self.mainPath) else { return nil }
        guard let entries = self.parse(bytes, self.mainFile) else { return nil }
        self.readSections(entries)
        switch self.control.socket {
        case .given(let path, _): return path
        case .invalid: return nil
        case .absent: return paths.socket(stateDirectory: self.agent.stateDirectory.value ?? paths.stateDirectory)
        }
    }

    func readMainFile() {
        switch self.system.read(self.mainPath) {
        case .success(let bytes): self.readMainFile(bytes)
        case .failure(let failure): self.problems.add(file: self.mainFile, "cannot read this file: \(failure.reason)")
        }
    }

    func readMainFile(_ bytes: [UInt8]) {
        self.files.append(self.mainPath)
        guard let entries = self.parse(bytes, self.mainFile) else { return }
        self.readSections(entries)
        self.readIncludedFiles()
    }

    private func readSections(_ entries: [TOMLEntry]) {
        let reader = self.reader(self.mainFile, self.mainPath)
        for entry in entries {
            switch entry.key {
            case "agent":
                self.agent = AgentSection(reader.table(entry, example: "[agent]") ?? [], reader)
            case "control":
                self.control = ControlSection(reader.table(entry, example: "[control]") ?? [], reader, self.system)
            case "history":
                self.history = HistorySection(reader.table(entry, example: "[history]") ?? [], reader)
            case "defaults":
                self.defaults = WorkerDraft(reader.table(entry, example: "[defaults]") ?? [], reader)
            case "workers":
                self.readWorkers(entry, reader)
            default:
                reader.refuse(entry, of: .root)
            }
        }
    }

    private func reader(_ file: String, _ path: String) -> ValueReader {
        ValueReader(
            file: file,
            directory: Path.directory(of: path),
            problems: self.problems,
            groupExists: self.system.groupExists
        )
    }

    private func parse(_ bytes: [UInt8], _ file: String) -> [TOMLEntry]? {
        guard bytes.count <= ConfigurationLoader.maximumFileSize else {
            let limit = ConfigurationLoader.maximumFileSize
            self.problems.add(
                file: file,
                "cannot read this file: it is larger than \(limit) bytes, the limit of a file"
            )
            return nil
        }
        do throws(TOMLDocument.SyntaxError) {
            return try TOMLDocument.parse(bytes)
        } catch {
            let advice = "nothing after it was read"
            if let place = error.place {
                self.problems.add(Origin(file: file, place: place), "syntax error: \(error.message)", advice)
            } else {
                self.problems.add(file: file, "cannot read this file: \(error.message)")
            }
            return nil
        }
    }

    // MARK: - Workers

    private func readWorkers(_ entry: TOMLEntry, _ reader: ValueReader) {
        for worker in reader.table(entry, example: "[workers.NAME]") ?? [] {
            let origin = reader.origin(worker.place)
            if !Self.isName(worker.key) {
                self.problems.add(
                    origin,
                    "\(Quoted.text(worker.key)) cannot be the name of a worker",
                    "write 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or a digit"
                )
            }
            guard let entries = reader.table(worker, example: "[workers.web]") else { continue }
            if let first = self.origins[worker.key] {
                self.problems.add(
                    origin,
                    "worker \(Quoted.text(worker.key)) is defined already at "
                        + "\(Quoted.printable(first.file)):\(first.place.line):\(first.place.column)",
                    "rename one of them, or remove it"
                )
            } else {
                self.origins[worker.key] = origin
            }
            guard self.workers.count < ConfigurationLoader.maximumWorkers else {
                let message = "there are more than \(ConfigurationLoader.maximumWorkers) workers"
                self.problems.add(origin, message, "remove some, or raise \"instances\" of others")
                return
            }
            self.workers.append(Worker(name: worker.key, origin: origin, draft: WorkerDraft(entries, reader)))
        }
    }

    /// `[a-z0-9][a-z0-9_-]{0,63}`: safe in paths, in URLs and in the labels of metrics.
    private static func isName(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count) else { return false }
        return text.utf8.enumerated().allSatisfy { index, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "_"), UInt8(ascii: "-"): index > 0
            default: false
            }
        }
    }

    // MARK: - Included files

    private func readIncludedFiles() {
        var seen: Set<String> = [self.mainPath]
        for pattern in self.agent.include {
            for file in self.matches(pattern) {
                let path = Path.standardized(Path.join(self.system.currentDirectory(), file))
                // A file that two patterns match is read once; the main one may well stand among the others.
                guard seen.insert(path).inserted else { continue }
                guard seen.count <= ConfigurationLoader.maximumIncludedFiles + 1 else {
                    let message = "more than \(ConfigurationLoader.maximumIncludedFiles) files are included"
                    self.problems.add(pattern.origin, message, "join some of them")
                    return
                }
                self.readIncludedFile(file, path)
            }
        }
    }

    /// The files that a pattern stands for, in the order of their names.
    private func matches(_ pattern: AgentSection.Pattern) -> [String] {
        let directory = Path.directory(of: self.mainFile)
        let text = Path.join(directory, pattern.text)
        // What is special in a pattern is not in the name of the main file's directory.
        switch self.system.glob(Path.join(Path.escapedForGlob(directory), pattern.text)) {
        case .success(let paths):
            let isPattern = pattern.text.utf8.contains {
                [UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "[")].contains($0)
            }
            if paths.isEmpty, !isPattern {
                let message = "cannot read \(Quoted.text(text)): No such file or directory"
                self.problems.add(pattern.origin, message, "create it, or remove it from \"include\"")
            }
            // Bytes, not the rules of some language: the order is the same on every machine.
            return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        case .failure(let failure):
            let message = "cannot look for \(Quoted.text(text)): \(failure.reason)"
            self.problems.add(pattern.origin, message, "make it readable, or remove it from \"include\"")
            return []
        }
    }

    private func readIncludedFile(_ file: String, _ path: String) {
        switch self.system.read(path) {
        case .failure(let failure): self.problems.add(file: file, "cannot read this file: \(failure.reason)")
        case .success(let bytes):
            self.files.append(path)
            let reader = self.reader(file, path)
            for entry in self.parse(bytes, file) ?? [] {
                if entry.key == "workers" {
                    self.readWorkers(entry, reader)
                } else if Section.root.allKeys.contains(entry.key) {
                    let message =
                        "\"\(entry.key)\" cannot stand in an included file, which may hold [workers.NAME] only"
                    self.problems.add(
                        reader.origin(entry.place),
                        message,
                        "move it to \(Quoted.printable(self.mainFile))"
                    )
                } else {
                    reader.refuse(entry, of: .root)
                }
            }
        }
    }
}
