/// What answers requests. All calls come on the server's loop.
public protocol HTTPHandler: AnyObject {
    /// Called with the head, before the body is read; a response ends the request at once, so that nobody sends a body
    /// in vain.
    func admit(_ head: HTTPRequest) -> HTTPResponse?

    /// Called once with the whole request. Answers by `exchange.respond`, at once or later on the loop; until then the
    /// connection is suspended.
    func handle(_ request: HTTPRequest, _ exchange: any HTTPExchange)
}

/// One request that waits for its answer. Belongs to the server's loop.
public protocol HTTPExchange: AnyObject {
    /// Queues the answer; exactly once. After the client has gone it does nothing, but close the answer's stream.
    func respond(_ response: HTTPResponse)

    /// Called once when the client has gone before it was answered.
    var clientGone: (() -> Void)? { get set }
}
