import ArgumentParser
import Supervision

/// Names of commands, to say more of a wrong one than that it was not expected.
enum CommandName {
    /// Commands of the description that this version does not have.
    static let toCome = [
        "hold", "unhold", "reload", "check", "token", "import", "completions",
    ]

    static var known: [String] {
        Reeve.configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    }

    /// What is wrong with the first argument as a command; `nil` for a command and for an option.
    static func refusal(_ name: String) -> String? {
        guard !name.hasPrefix("-"), !self.known.contains(name) else { return nil }
        let shown = Printable.line(name)
        if self.toCome.contains(name) {
            return "the command \(shown) is not supported yet; reeve --help lists what there is"
        }
        let hint = NearestName.of(name, among: self.known).map { "did you mean \"\($0)\"?" }
        return "there is no command \"\(shown)\"; \(hint ?? "reeve --help lists what there is")"
    }
}
