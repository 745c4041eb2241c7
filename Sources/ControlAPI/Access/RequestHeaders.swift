internal import HTTPServer

/// The headers that the API looks at, found in one pass: this runs for every request.
struct RequestHeaders {
    private(set) var host: String?
    private(set) var origin: String?
    private(set) var secFetchSite: String?
    private(set) var authorization: String?
    private(set) var idempotencyKey: String?
    private(set) var contentType: String?
    private(set) var ifNoneMatch: String?
    private(set) var lastEventID: String?

    init(_ fields: [HTTPField]) {
        for field in fields {
            // The lengths tell most names apart before anything is compared.
            switch field.name.utf8.count {
            case 4: Self.take(field, "host", &self.host)
            case 6: Self.take(field, "origin", &self.origin)
            case 12: Self.take(field, "content-type", &self.contentType)
            case 13:
                Self.take(field, "authorization", &self.authorization)
                Self.take(field, "if-none-match", &self.ifNoneMatch)
                Self.take(field, "last-event-id", &self.lastEventID)
            case 14: Self.take(field, "sec-fetch-site", &self.secFetchSite)
            case 15: Self.take(field, "idempotency-key", &self.idempotencyKey)
            default: break
            }
        }
    }

    /// The first one counts; `name` is in lower case.
    private static func take(_ field: HTTPField, _ name: StaticString, _ value: inout String?) {
        guard value == nil, Self.isEqual(field.name, name) else { return }
        value = field.value
    }

    private static func isEqual(_ text: String, _ name: StaticString) -> Bool {
        var position = name.utf8Start
        for byte in text.utf8 {
            let lower = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
            guard lower == position.pointee else { return false }
            position += 1
        }
        return true
    }
}
