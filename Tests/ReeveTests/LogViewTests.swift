import ControlMessages
import Testing

@testable import reeve

@Suite struct LogViewTests {
    private func line(
        _ text: String,
        _ worker: String = "web",
        _ instance: Int = 0,
        stream: String = "stdout",
        run: String = "a",
        base64: String? = nil,
        partial: Bool = false
    ) -> LogLineMessage {
        LogLineMessage(
            time: nil,
            worker: worker,
            instance: instance,
            stream: stream,
            runID: run,
            text: text,
            base64: base64,
            partial: partial,
            position: "0.stdout:1"
        )
    }

    private func text(_ view: inout LogView, _ lines: LogLineMessage...) -> String {
        String(decoding: lines.flatMap { view.render($0) } + view.end(), as: UTF8.self)
    }

    @Test func theBytesOfASingleInstanceGoAsTheyCame() {
        var view = LogView([("web", 1)], isForTerminal: false, style: .plain)
        var bytes = view.render(self.line("\u{1b}[31mred\tred\r"))
        bytes += view.render(self.line("\u{fffd}k", base64: "/2s=", partial: true))
        // In the file nothing is between the end of a run and the next one.
        bytes += view.render(self.line("next", run: "b"))
        #expect(bytes == Array("\u{1b}[31mred\tred\r\n".utf8) + [0xff] + Array("knext\n".utf8))
    }

    @Test func aTerminalIsNotMadeToActOnThem() {
        var view = LogView([("web", 1)], isForTerminal: true, style: .plain)
        let text = self.text(
            &view,
            self.line("\u{1b}[31mred\tred\r"),
            self.line("half", partial: true),
            self.line(" whole"),
            self.line("half", partial: true),
            self.line("next", run: "b", partial: true)
        )
        #expect(text == "\\x1b[31mred\tred\nhalf whole\nhalf\nnext\n")
    }

    @Test func severalAreNamed() {
        var view = LogView([("web", 2), ("a-worker", 1)], isForTerminal: false, style: .plain)
        let text = self.text(
            &view,
            self.line("one"),
            self.line("two", "a-worker"),
            self.line("half", "web", 1, partial: true),
            self.line("error", "web", 1, stream: "stderr"),
            self.line("a long", "web", 11, partial: true),
            self.line(" line", "web", 11)
        )
        #expect(
            text == """
                web.0      | one
                a-worker.0 | two
                web.1      | half
                web.1      | error
                web.11     | a long line

                """
        )
    }

    @Test func eachWorkerHasAColour() {
        var view = LogView([("web", 1), ("db", 1)], isForTerminal: true, style: .colored)
        let text = self.text(&view, self.line("one", "db"), self.line("two"), self.line("three", "db"))
        #expect(
            text == "\u{1b}[33mdb.0  |\u{1b}[0m one\n\u{1b}[36mweb.0 |\u{1b}[0m two\n\u{1b}[33mdb.0  |\u{1b}[0m three\n"
        )
        var instances = LogView([("web", 2)], isForTerminal: true, style: .colored)
        #expect(
            self.text(&instances, self.line("one"), self.line("two", "web", 1))
                == "\u{1b}[36mweb.0 |\u{1b}[0m one\n\u{1b}[33mweb.1 |\u{1b}[0m two\n"
        )
    }

    @Test func aNameThatIsNotConfiguredIsLeftToTheAgent() throws {
        #expect(try LogsCommand.expand(["gone", "w*", "gone"], among: ["db", "web"]) == ["web", "gone"])
        #expect(throws: CommandFailure.self) { try LogsCommand.expand(["x*"], among: ["db", "web"]) }
    }
}
