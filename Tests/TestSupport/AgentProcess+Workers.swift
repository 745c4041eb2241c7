public import ControlMessages

extension AgentProcess {
    public func worker(_ name: String) throws -> WorkerMessage {
        let answer = try self.get("/v1/workers/\(name)")
        guard answer.status == 200 else { throw UnexpectedAnswer("worker \(name): \(answer.status) \(answer.text)") }
        return try answer.decode()
    }

    /// The records of a worker, oldest first.
    public func exits(of name: String) throws -> [ExitMessage] {
        let answer = try self.get("/v1/workers/\(name)/exits?limit=1000&order=asc")
        guard answer.status == 200 else { throw UnexpectedAnswer("exits of \(name): \(answer.status) \(answer.text)") }
        return try answer.decode(ExitsMessage.self).exits
    }

    /// Waits until a worker is in a state, and returns it.
    @discardableResult
    public func waitFor(_ name: String, toBe state: String, within limit: Duration = patience) throws -> WorkerMessage {
        var last: WorkerMessage?
        do {
            try self.eventually("\(name) is \(state)", within: limit) {
                last = try self.worker(name)
                return last?.state == state
            }
        } catch let error as TimedOut {
            throw TimedOut("\(error)\nit was last seen as \(String(describing: last))")
        }
        guard let last else { throw TimedOut("\(name) was never seen") }
        return last
    }

    /// Waits until a worker has that many exits, and returns them, oldest first.
    @discardableResult
    public func waitForExits(of name: String, count: Int, within limit: Duration = patience) throws -> [ExitMessage] {
        var exits: [ExitMessage] = []
        try self.eventually("\(name) has \(count) exits", within: limit) {
            exits = try self.exits(of: name)
            return exits.count >= count
        }
        return exits
    }

    /// Waits for the first exit of a worker. That it runs does not say so: that may be the run before the exit.
    public func waitForFirstExit(of name: String) throws -> ExitMessage {
        let exits = try self.waitForExits(of: name, count: 1)
        guard let first = exits.first else { throw TimedOut("\(name) never ended") }
        return first
    }

    /// Waits until instance 0 runs, in another run than `old`, and returns its pid.
    public func waitForPID(
        of name: String,
        otherThan old: Int32? = nil,
        within limit: Duration = patience
    ) throws -> Int32 {
        var pid: Int32?
        try self.eventually("\(name) runs, not as \(old.map(String.init) ?? "nothing")", within: limit) {
            let instance = try self.worker(name).instances[0]
            pid = instance.state == "running" && instance.pid != old ? instance.pid : nil
            return pid != nil
        }
        guard let pid else { throw TimedOut("\(name) never ran") }
        return pid
    }

    /// Asks for something and expects it to be done; returns the operation.
    @discardableResult
    public func operate(_ action: String, _ name: String, _ query: String = "") throws -> OperationMessage {
        let answer = try self.post("/v1/workers/\(name)/\(action)\(query)")
        guard answer.status == 200 else { throw UnexpectedAnswer("\(action) \(name): \(answer.status) \(answer.text)") }
        return try answer.decode()
    }
}

/// The table of a worker that is a script of /bin/sh; braces in it are no placeholders.
/// - Parameter settings: more lines of the table; sub-tables as inline tables.
public func shellWorker(_ name: String, _ script: String, _ settings: String = "") -> String {
    precondition(!script.contains("'''"), "the script stands between ''' in the configuration")
    var escaped = ""
    for character in script {
        escaped += character == "{" || character == "}" ? "\(character)\(character)" : String(character)
    }
    return """

        [workers.\(name)]
        command = ["/bin/sh", "-c", '''
        \(escaped)
        ''']
        \(settings)

        """
}
