import ControlMessages
import LinuxSystem

/// Prints what the feeds of several workers bring, from any of their threads: one at a time, so that who brings more than
/// is read waits.
final class LogPrinter: Sendable {
    /// Lines that are held back at most, to be put into the order of their times.
    private static let maximumHeld = 100_000

    private struct Held: Sendable {
        var time: String
        var line: [UInt8]
        var message: LogLineMessage
    }

    private struct State: Sendable {
        var view: LogView
        /// `nil` once lines are printed as they come.
        var held: [Held]?
        var isRead = true
        var failure: CommandFailure?
    }

    private let printsJSON: Bool
    private let state: Locked<State>

    /// - Parameter sorts: lines are held back until `finish`, because all that is asked for is there already.
    init(_ view: LogView, printsJSON: Bool, sorts: Bool) {
        self.printsJSON = printsJSON
        self.state = Locked(State(view: view, held: sorts ? [] : nil))
    }

    /// Whether somebody reads what is printed.
    var isRead: Bool {
        self.state.withLock { $0.isRead && $0.failure == nil }
    }

    /// What the command ends with.
    var failure: CommandFailure? {
        self.state.withLock { $0.failure }
    }

    /// - Parameter lines: as they came and what they mean, each with its time, or one that is near.
    func print(_ lines: [(time: String, line: [UInt8], message: LogLineMessage)]) {
        self.state.withLock { state in
            if var held = state.held {
                state.held = nil
                held += lines.map { Held(time: $0.time, line: $0.line, message: $0.message) }
                if held.count < Self.maximumHeld {
                    state.held = held
                } else {
                    self.write(held, &state)
                }
                return
            }
            var bytes: [UInt8] = []
            for line in lines {
                bytes += self.printsJSON ? line.line + [UInt8(ascii: "\n")] : state.view.render(line.message)
            }
            self.write(bytes, &state)
        }
    }

    /// Prints a note of the agent's.
    func printNote(_ line: [UInt8], _ note: LogNoteMessage) {
        self.state.withLock { state in
            if self.printsJSON {
                self.write(line + [UInt8(ascii: "\n")], &state)
            } else {
                self.write(state.view.end(), &state)
                Terminal.complain(Printable.line(note.text ?? note.note))
            }
        }
    }

    func fail(_ failure: CommandFailure) {
        self.state.withLock { $0.failure = $0.failure ?? failure }
    }

    /// All have brought what there is.
    func finish() {
        self.state.withLock { state in
            if let held = state.held {
                state.held = nil
                self.write(held, &state)
            }
            if state.view.isForTerminal {
                self.write(state.view.end(), &state)
            }
        }
    }

    private func write(_ held: [Held], _ state: inout State) {
        var bytes: [UInt8] = []
        // The sort is stable: the lines of one worker keep their order.
        for line in held.sorted(by: { $0.time < $1.time }) {
            bytes += self.printsJSON ? line.line + [UInt8(ascii: "\n")] : state.view.render(line.message)
        }
        self.write(bytes, &state)
    }

    private func write(_ bytes: [UInt8], _ state: inout State) {
        guard state.isRead, state.failure == nil, !bytes.isEmpty else { return }
        do throws(CommandFailure) {
            state.isRead = try Terminal.write(bytes)
        } catch {
            state.failure = error
        }
    }
}
