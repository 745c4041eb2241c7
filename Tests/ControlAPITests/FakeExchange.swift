import HTTPServer

/// Records its answer.
final class FakeExchange: HTTPExchange {
    private(set) var responses: [HTTPResponse] = []
    var clientGone: (() -> Void)?

    func respond(_ response: HTTPResponse) {
        self.responses.append(response)
    }

    /// The client leaves before it was answered.
    func leave() {
        let gone = self.clientGone
        self.clientGone = nil
        gone?()
    }
}
