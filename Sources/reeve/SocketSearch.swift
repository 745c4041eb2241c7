import Configuration

/// Finds the agent's socket when nobody names it: the one of the configuration, the user's, the system's; the first one
/// that is there.
struct SocketSearch {
    let environment: [String: String]
    let isRoot: Bool
    var system: SystemAccess = .linux
    /// Takes what is worth saying without being an error.
    var complain: (String) -> Void = { _ in }

    /// - Parameter config: the file that was named; what is wrong with it is an error then. One that is only found is
    ///   passed over with a word, because the agent may well run with what it read before.
    func find(config: String?) throws(CommandFailure) -> String {
        let configured = try self.configuredSocket(config)
        if let configured, config != nil {
            return configured
        }
        let defaults = ConfigurationLocator.defaultSocketCandidates(environment: self.environment, isRoot: self.isRoot)
        let candidates = (configured.map { [$0] } ?? []) + defaults
        // The first one when none is there: the error names it.
        return candidates.first { self.system.exists($0) } ?? candidates.first ?? ConfigurationLocator.systemSocket
    }

    private func configuredSocket(_ config: String?) throws(CommandFailure) -> String? {
        let path: String
        do {
            path = try ConfigurationLocator.locate(
                explicit: config,
                environment: self.environment,
                isRoot: self.isRoot,
                system: self.system
            )
        } catch {
            return nil
        }
        // A mistake elsewhere in the file does not hide the agent that runs with what it read before.
        let socket = ConfigurationLoader.controlSocket(
            path: path,
            environment: self.environment,
            isRoot: self.isRoot,
            system: self.system
        )
        if let socket {
            return socket
        }
        do {
            return try ConfigurationLoader.load(
                path: path,
                environment: self.environment,
                isRoot: self.isRoot,
                system: self.system
            ).control.socket
        } catch {
            if config != nil {
                throw CommandFailure(.usage, error.description)
            }
            self.complain("passing over \(path), which has problems; reeve check-config shows them")
            return nil
        }
    }
}
