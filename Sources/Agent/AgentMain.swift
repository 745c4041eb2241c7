/// The agent as a program.
public enum AgentMain {
    /// Runs until the agent ends; answers what the process is to end with.
    ///
    /// - Parameter configuration: the path that was given; `nil` to look for it.
    public static func run(configuration: String?) -> Int32 {
        1
    }
}
