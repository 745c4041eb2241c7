internal import Supervision

/// Text in the exposition format of Prometheus, version 0.0.4: families of samples, each with its help and its type.
struct MetricsText {
    enum Kind: String {
        case counter
        case gauge
        case histogram
    }

    private(set) var bytes: [UInt8] = []
    private var name: [UInt8] = []
    private var head: [UInt8] = []

    /// Begins a family. One that gets no sample is left out.
    mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        self.name = Array(name.utf8)
        self.head = Array(
            "# HELP \(name) \(Self.escaped(help, isValue: false))\n# TYPE \(name) \(kind.rawValue)\n".utf8
        )
    }

    /// Adds a sample to the family.
    ///
    /// - Parameters:
    ///   - labels: as `labels` makes them.
    ///   - last: a label more, whose value needs no escaping.
    ///   - suffix: what a histogram adds to its name.
    mutating func sample(
        _ value: Int64,
        _ labels: [UInt8] = [],
        last: (name: String, value: String)? = nil,
        suffix: String = ""
    ) {
        self.beginSample(labels, last, suffix)
        self.append(value)
        self.bytes.append(UInt8(ascii: "\n"))
    }

    mutating func sample(
        number value: Double,
        _ labels: [UInt8] = [],
        last: (name: String, value: String)? = nil,
        suffix: String = ""
    ) {
        self.beginSample(labels, last, suffix)
        self.bytes.append(contentsOf: Self.number(value).utf8)
        self.bytes.append(UInt8(ascii: "\n"))
    }

    /// Adds whole families that were made before.
    mutating func append(_ families: [UInt8]) {
        self.bytes.append(contentsOf: families)
    }

    private mutating func beginSample(_ labels: [UInt8], _ last: (name: String, value: String)?, _ suffix: String) {
        if !self.head.isEmpty {
            self.bytes.append(contentsOf: self.head)
            self.head = []
        }
        self.bytes.append(contentsOf: self.name)
        self.bytes.append(contentsOf: suffix.utf8)
        if !labels.isEmpty || last != nil {
            self.bytes.append(UInt8(ascii: "{"))
            self.bytes.append(contentsOf: labels)
            if let last {
                if !labels.isEmpty {
                    self.bytes.append(UInt8(ascii: ","))
                }
                self.bytes.append(contentsOf: last.name.utf8)
                self.bytes.append(UInt8(ascii: "="))
                self.bytes.append(UInt8(ascii: "\""))
                self.bytes.append(contentsOf: last.value.utf8)
                self.bytes.append(UInt8(ascii: "\""))
            }
            self.bytes.append(UInt8(ascii: "}"))
        }
        self.bytes.append(UInt8(ascii: " "))
    }

    /// Most values are one digit.
    private mutating func append(_ value: Int64) {
        if (0...9).contains(value) {
            self.bytes.append(UInt8(ascii: "0") + UInt8(value))
        } else {
            self.bytes.append(contentsOf: String(value).utf8)
        }
    }

    /// Labels with their values, escaped.
    static func labels(_ labels: (name: String, value: String)...) -> [UInt8] {
        let parts = labels.map { "\($0.name)=\"\(Self.escaped($0.value, isValue: true))\"" }
        return Array(parts.joined(separator: ",").utf8)
    }

    /// A line feed and a backslash are escaped everywhere, quotation marks in the values of labels.
    private static func escaped(_ text: String, isValue: Bool) -> String {
        guard
            text.utf8.contains(where: {
                $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\"")
            })
        else { return text }
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where isValue: escaped += "\\\""
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    /// Whole numbers without a fraction; others in the shortest form that reads as the same.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return value.description
    }
}
