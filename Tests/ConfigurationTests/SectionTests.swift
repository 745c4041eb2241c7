import Testing

@testable import Configuration

/// The lists of keys and the code that reads them must not drift apart.
@Suite struct SectionTests {
    private static func sections() -> [(section: Section, before: String)] {
        [
            (.root, ""), (.agent, "[agent]\n"), (.control, "[control]\n"), (.listener, "[[control.listeners]]\n"),
            (.history, "[history]\n"), (.worker, "[defaults]\n"), (.backoff, "[defaults.backoff]\n"),
            (.restartLimit, "[defaults.restart_limit]\n"),
            (.stop, "[defaults.stop]\n"), (.output, "[defaults.output]\n"),
        ]
    }

    @Test func everyKeyIsRead() {
        for (section, before) in Self.sections() {
            for key in section.keys {
                // No key takes a date, so each that is read complains of it.
                let messages = TestSystem().problems("\(before)\(key) = 2027-12-31").map(\.message)
                let isRead = messages.contains { $0.hasPrefix("\"\(key)\" must be ") }
                #expect(isRead, "\(key) of \(section.phrase): \(messages)")
            }
        }
    }

    @Test func everyKeyOfLaterVersionsIsRefused() {
        for (section, before) in Self.sections() {
            for (key, later) in section.later {
                let messages = TestSystem().problems("\(before)\(key) = 1").map(\.message)
                #expect(messages.contains("\"\(key)\" is not supported yet"))
                guard case .table(let keys) = later else { continue }
                for inner in keys {
                    let messages = TestSystem().problems("\(before)\(key) = { \(inner) = 1 }").map(\.message)
                    #expect(messages.contains("\"\(inner)\" in \"\(key)\" is not supported yet"))
                }
            }
        }
    }

    @Test func noKeyIsBoth() {
        for (section, _) in Self.sections() {
            #expect(Set(section.allKeys).count == section.allKeys.count)
        }
    }
}
