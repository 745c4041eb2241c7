internal import Supervision

extension WorkerDraft {
    /// The worker that the draft describes, with the defaults of the product. What contradicts itself goes to `problems`;
    /// the specification is then of no use.
    func specification(name: String, at origin: Origin, _ problems: ProblemList) -> WorkerSpecification {
        var worker = WorkerSpecification(name: name, command: self.command.value?.map(\.text) ?? [])
        worker.instances = self.instances.value ?? worker.instances
        worker.basePort = self.basePort.value
        worker.directory = self.directory.value
        worker.environment = self.environment.compactMap { variable in
            variable.value.map { EnvironmentEntry(name: variable.name, value: $0) }
        }
        worker.environmentFile = self.environmentFile.value
        worker.inheritEnvironment = self.inheritEnvironment.value ?? worker.inheritEnvironment
        worker.autostart = self.autostart.value ?? worker.autostart
        worker.restart = self.restart.value ?? worker.restart
        worker.success = self.success.value ?? worker.success
        worker.noRestart = self.noRestart.value ?? worker.noRestart
        worker.isVital = self.isVital.value ?? worker.isVital
        worker.backoff.initial = self.backoff.initial.value ?? worker.backoff.initial
        worker.backoff.factor = self.backoff.factor.value ?? worker.backoff.factor
        worker.backoff.max = self.backoff.max.value ?? worker.backoff.max
        worker.backoff.jitter = self.backoff.jitter.value ?? worker.backoff.jitter
        worker.backoff.resetAfter = self.backoff.resetAfter.value ?? worker.backoff.resetAfter
        if let restarts = self.restartLimit.restarts.value, let within = self.restartLimit.within.value {
            let retryAfter = self.restartLimit.retryAfter.value
            worker.restartLimit = RestartLimit(restarts: restarts, within: within, retryAfter: retryAfter)
        }
        worker.stop.signal = self.stop.signal.value ?? worker.stop.signal
        worker.stop.grace = self.stop.grace.value ?? worker.stop.grace
        worker.stop.command = self.stop.command.value?.map(\.text) ?? worker.stop.command
        worker.output.standardOutput = self.output.standardOutput.value ?? worker.output.standardOutput
        worker.output.standardError = self.output.standardError.value ?? worker.output.standardError
        worker.output.maximumSize = self.output.maximumSize.value ?? worker.output.maximumSize
        worker.output.keepFiles = self.output.keepFiles.value ?? worker.output.keepFiles
        worker.output.timestamps = self.output.timestamps.value ?? worker.output.timestamps
        worker.output.group = self.output.group.value

        if self.command.isAbsent {
            problems.add(origin, "worker \"\(name)\" has no \"command\"", "add command = [\"/path/of/program\"]")
        }
        self.checkBackoff(worker.backoff, problems)
        self.checkRestartLimit(problems)
        self.checkPorts(worker, problems)
        self.checkPlaceholders(worker, problems)
        return worker
    }

    private func checkBackoff(_ backoff: BackoffPolicy, _ problems: ProblemList) {
        guard !self.backoff.initial.isInvalid, !self.backoff.max.isInvalid, backoff.initial > backoff.max else {
            return
        }
        // At least one is given: the defaults of the product agree.
        guard let origin = self.backoff.max.origin ?? self.backoff.initial.origin else { return }
        let initial = DurationText.format(backoff.initial)
        let max = DurationText.format(backoff.max)
        problems.add(
            origin,
            "\"initial\" (\(initial)\(self.backoff.initial.isAbsent ? ", the default" : "")) is longer than "
                + "\"max\" (\(max)\(self.backoff.max.isAbsent ? ", the default" : ""))",
            "make one of them fit the other"
        )
    }

    private func checkRestartLimit(_ problems: ProblemList) {
        guard let origin = self.restartLimit.origin else { return }
        if self.restartLimit.restarts.isAbsent {
            problems.add(origin, "\"restart_limit\" has no \"restarts\"", "add restarts = 10")
        }
        if self.restartLimit.within.isAbsent {
            problems.add(origin, "\"restart_limit\" has no \"within\"", "add within = \"10m\"")
        }
    }

    private func checkPorts(_ worker: WorkerSpecification, _ problems: ProblemList) {
        guard let base = worker.basePort, let origin = self.basePort.origin, !self.instances.isInvalid else { return }
        let last = base + worker.instances - 1
        if last > 65535 {
            problems.add(
                origin,
                "the last of \(worker.instances) instances would have the port \(last)",
                "ports end at 65535: lower \"base_port\" or \"instances\""
            )
        }
    }

    private func checkPlaceholders(_ worker: WorkerSpecification, _ problems: ProblemList) {
        // A wrong base_port is told already; any port will do to look at the rest.
        let port = self.basePort.isInvalid ? 1 : worker.basePort
        let placeholders = Placeholders(worker: worker.name, instance: 0, port: port)
        var texts = (self.command.value ?? []) + (self.stop.command.value ?? [])
        for variable in self.environment {
            if let value = variable.value {
                texts.append(Text(text: value, origin: variable.origin))
            }
        }
        for text in texts {
            do throws(Placeholders.Failure) {
                _ = try placeholders.expand(text.text)
            } catch {
                Self.report(error, text.origin, worker.name, problems)
            }
        }
    }

    private static func report(
        _ failure: Placeholders.Failure,
        _ origin: Origin,
        _ worker: String,
        _ problems: ProblemList
    ) {
        switch failure {
        case .unknown(let name, _):
            let near = NearestName.of(name, among: ["worker", "instance", "port"])
            let known = "there are {worker}, {instance} and {port}; write {{ for a brace"
            let advice = near.map { "did you mean \"{\($0)}\"?" } ?? known
            problems.add(origin, "\(Quoted.text("{\(name)}")) is not a placeholder", advice)
        case .noPort:
            problems.add(
                origin,
                "\"{port}\" needs a \"base_port\", and worker \"\(worker)\" has none",
                "add base_port = 8000"
            )
        case .unclosed:
            problems.add(origin, "a \"{\" begins a placeholder and is not closed", "write {{ for a brace")
        }
    }
}
