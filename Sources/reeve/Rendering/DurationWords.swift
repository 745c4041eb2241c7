/// Durations for people: two units at most, cut off rather than rounded, so that none is shown before it is over.
enum DurationWords {
    /// `12ms`, `0.8s`, `42s`, `12m 5s`, `3h 4m`, `3d 4h`; a negative one, of a clock that differs, is `0ms`.
    static func short(_ seconds: Double) -> String {
        let milliseconds = Int64(min(max(0, seconds), 1e15) * 1000)
        let whole = milliseconds / 1000
        switch whole {
        case 0 where milliseconds < 100: return "\(milliseconds)ms"
        case ..<10: return "\(whole).\(milliseconds % 1000 / 100)s"
        case ..<60: return "\(whole)s"
        case ..<3600: return "\(whole / 60)m \(whole % 60)s"
        case ..<86_400: return "\(whole / 3600)h \(whole / 60 % 60)m"
        default: return "\(whole / 86_400)d \(whole / 3600 % 24)h"
        }
    }

    /// `just now`, `42s ago`, `12m ago`, `3h ago`, `3d ago`.
    static func ago(_ seconds: Double) -> String {
        let whole = Int64(min(max(0, seconds), 1e15))
        switch whole {
        case 0: return "just now"
        case ..<60: return "\(whole)s ago"
        case ..<3600: return "\(whole / 60)m ago"
        case ..<86_400: return "\(whole / 3600)h ago"
        default: return "\(whole / 86_400)d ago"
        }
    }
}
