import ControlMessages
import Supervision

/// The workers that somebody named, by name or by glob.
enum WorkerSelection {
    /// The names that are meant, in the order of `names`, none twice. A name that is not there, or a glob that matches
    /// nothing, is an error that suggests the near one.
    static func expand(_ arguments: [String], among names: [String]) throws(CommandFailure) -> [String] {
        for argument in arguments where !names.contains(where: { NamePattern(text: argument).matches($0) }) {
            throw CommandFailure(.usage, self.unknown(argument, among: names))
        }
        return names.filter { name in arguments.contains { NamePattern(text: $0).matches(name) } }
    }

    private static func unknown(_ argument: String, among names: [String]) -> String {
        let shown = Printable.line(argument)
        guard !NamePattern(text: argument).isGlob else { return "no worker's name matches \"\(shown)\"" }
        let start = "no worker is called \"\(shown)\""
        // An instance's name, which is what the tables show.
        if let dot = argument.lastIndex(of: "."), names.contains(String(argument[..<dot])),
            Int(argument[argument.index(after: dot)...]) != nil
        {
            let instance = argument[argument.index(after: dot)...]
            return "\(start); for one instance say \(argument[..<dot]) --instance \(instance)"
        }
        return NearestName.of(argument, among: names).map { "\(start); did you mean \"\($0)\"?" } ?? start
    }
}
