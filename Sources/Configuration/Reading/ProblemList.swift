/// Collects what is wrong while the reading goes on.
final class ProblemList {
    private(set) var problems: [ConfigurationProblem] = []

    func add(_ origin: Origin, _ message: String, _ advice: String = "") {
        self.problems.append(
            ConfigurationProblem(
                file: origin.file,
                line: origin.place.line,
                column: origin.place.column,
                message: message,
                advice: advice
            )
        )
    }

    /// For what has no place in a file.
    func add(file: String, _ message: String, _ advice: String = "") {
        self.problems.append(ConfigurationProblem(file: file, message: message, advice: advice))
    }
}
