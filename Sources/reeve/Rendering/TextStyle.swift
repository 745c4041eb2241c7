/// Colours, where they are wanted.
struct TextStyle: Sendable {
    enum Color: String, Sendable {
        case green = "32"
        case yellow = "33"
        case red = "31"
        case blue = "34"
        case magenta = "35"
        case cyan = "36"
        case dim = "2"
        case bold = "1"
    }

    /// Whether escape sequences are written at all.
    var isColored: Bool

    static let plain = TextStyle(isColored: false)
    static let colored = TextStyle(isColored: true)

    func paint(_ text: String, _ color: Color?) -> String {
        guard self.isColored, let color, !text.isEmpty else { return text }
        return "\u{1b}[\(color.rawValue)m\(text)\u{1b}[0m"
    }
}
