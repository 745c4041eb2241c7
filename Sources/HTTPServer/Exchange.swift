/// The server's side of a request that waits for its answer.
final class Exchange: HTTPExchange {
    /// `nil` once answered, or when the client is gone.
    private var connection: ServerConnection?
    private var wasAnswered = false
    var clientGone: (() -> Void)?

    init(connection: ServerConnection) {
        self.connection = connection
    }

    func respond(_ response: HTTPResponse) {
        assert(!self.wasAnswered, "a request was answered twice")
        self.wasAnswered = true
        guard let connection = self.connection else {
            response.stream?.close()
            return
        }
        self.connection = nil
        self.clientGone = nil
        connection.answer = response
        connection.listener.server.resume(connection)
    }

    /// Ends the exchange without an answer, and tells its owner.
    func abandon() {
        guard self.connection != nil else { return }
        self.connection = nil
        let clientGone = self.clientGone
        self.clientGone = nil
        clientGone?()
    }
}
