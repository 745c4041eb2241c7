/// Reads the text format of Prometheus, strictly: whatever is not exactly as the format and the conventions of its names
/// want it is an error.
struct MetricsReader {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    struct Sample {
        /// What stands behind the name of the family: nothing, or `_bucket`, `_sum`, `_count`.
        var suffix: String
        var labels: [String: String]
        var value: Double
    }

    struct Family {
        var help: String
        var type: String
        var samples: [Sample] = []
    }

    private(set) var families: [String: Family] = [:]
    private var seen: Set<String> = []

    init(_ text: String) throws(Failure) {
        guard text.hasSuffix("\n") else { throw Failure(description: "the last line does not end") }
        var current: String?
        var help: (name: String, text: String)?
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            if line.hasPrefix("# HELP ") {
                guard words.count == 4, help == nil else { throw Failure(description: "\(line)") }
                help = (words[2], words[3])
            } else if line.hasPrefix("# TYPE ") {
                guard words.count == 4, let known = help, known.name == words[2], self.families[known.name] == nil,
                    ["counter", "gauge", "histogram"].contains(words[3]), Self.isName(known.name),
                    (words[3] == "counter") == known.name.hasSuffix("_total")
                else { throw Failure(description: "\(line)") }
                self.families[known.name] = Family(help: known.text, type: words[3])
                current = known.name
                help = nil
            } else {
                guard let current, help == nil, self.seen.insert(String(line.prefix { $0 != " " })).inserted else {
                    throw Failure(description: "no place for: \(line)")
                }
                try self.read(Substring(line), of: current)
            }
        }
        try self.check()
    }

    /// The value of the one sample with these labels; `nil` when there is none.
    func value(_ name: String, _ labels: [String: String] = [:], suffix: String = "") -> Double? {
        self.families[name]?.samples.first { $0.labels == labels && $0.suffix == suffix }?.value
    }

    func samples(_ name: String) -> [Sample] {
        self.families[name]?.samples ?? []
    }

    private mutating func read(_ line: Substring, of family: String) throws(Failure) {
        var rest = line
        let name = rest.prefix { $0 != "{" && $0 != " " }
        guard name.hasPrefix(family) else { throw Failure(description: "another family: \(line)") }
        let suffix = String(name.dropFirst(family.count))
        let isHistogram = self.families[family]?.type == "histogram"
        guard isHistogram ? ["_bucket", "_sum", "_count"].contains(suffix) : suffix.isEmpty else {
            throw Failure(description: "no sample of \(family): \(line)")
        }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            repeat {
                rest = rest.dropFirst()
                let label = rest.prefix { $0 != "=" }
                rest = rest.dropFirst(label.count)
                guard Self.isName(String(label)), rest.hasPrefix("=\"") else { throw Failure(description: "\(line)") }
                rest = rest.dropFirst(2)
                guard labels.updateValue(try Self.value(&rest), forKey: String(label)) == nil else {
                    throw Failure(description: "\(label) twice: \(line)")
                }
            } while rest.first == ","
            guard rest.first == "}" else { throw Failure(description: "\(line)") }
            rest = rest.dropFirst()
        }
        guard rest.first == " " else { throw Failure(description: "\(line)") }
        let text = rest.dropFirst()
        guard let value = text == "+Inf" ? Double.infinity : Double(String(text)), !text.contains(" ") else {
            throw Failure(description: "no number: \(line)")
        }
        self.families[family]?.samples.append(Sample(suffix: suffix, labels: labels, value: value))
    }

    /// The value of a label up to its quotation mark, which is taken as well.
    private static func value(_ rest: inout Substring) throws(Failure) -> String {
        var value = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return value
            case "\\":
                switch rest.popFirst() {
                case "\\": value.append("\\")
                case "\"": value.append("\"")
                case "n": value.append("\n")
                case let other: throw Failure(description: "no escape: \(String(describing: other))")
                }
            default: value.append(character)
            }
        }
        throw Failure(description: "the value of a label does not end")
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.first.map { !(48...57).contains($0) } ?? false
            && name.utf8.allSatisfy { byte in
                (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte) || byte == 95
            }
    }

    private func check() throws(Failure) {
        for (name, family) in self.families {
            guard !family.samples.isEmpty, !family.help.isEmpty else { throw Failure(description: "\(name) is empty") }
            if family.type == "counter", family.samples.contains(where: { $0.value < 0 || !$0.value.isFinite }) {
                throw Failure(description: "\(name) counts down")
            }
            guard family.type == "histogram" else { continue }
            let buckets = family.samples.filter { $0.suffix == "_bucket" }
            let ends = buckets.map { $0.labels["le"].map { $0 == "+Inf" ? Double.infinity : Double($0) ?? -1 } ?? -1 }
            let counts = buckets.map(\.value)
            guard ends == ends.sorted(), Set(ends).count == ends.count, ends.last == .infinity,
                counts == counts.sorted(),
                counts.last == family.samples.first(where: { $0.suffix == "_count" })?.value,
                family.samples.contains(where: { $0.suffix == "_sum" })
            else { throw Failure(description: "\(name) is no histogram") }
        }
    }
}
