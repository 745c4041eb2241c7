import ArgumentParser
import Supervision

/// A duration on the command line, such as `30s`; passed on to the agent as it was written.
struct DurationArgument: ExpressibleByArgument, Equatable {
    let text: String

    init?(argument: String) {
        guard DurationText.parse(argument) != nil else { return nil }
        self.text = argument
    }

    var defaultValueDescription: String { self.text }
}
