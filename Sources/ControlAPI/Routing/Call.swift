internal import ControlMessages
internal import HTTPServer
internal import Supervision

/// A request on its route, until it is answered. Belongs to the control loop.
final class Call {
    let headers: RequestHeaders
    let caller: AccessPolicy.Caller
    /// The segments of the path that stand for something, in their order.
    let captures: [String]
    let parameters: Parameters
    private let route: Route
    private let requests: RequestMetrics
    /// When the whole request was there.
    private let began: MonotonicInstant
    /// Whether it waited for something to happen, so that its time says nothing about the server.
    var hasWaited = false
    private let exchange: any HTTPExchange
    /// Whether it is answered, or its client has left: nobody waits any more.
    private(set) var isOver = false
    /// Called once when the client leaves first.
    var clientGone: (() -> Void)?

    init(
        headers: RequestHeaders,
        caller: AccessPolicy.Caller,
        captures: [String],
        parameters: Parameters,
        route: Route,
        requests: RequestMetrics,
        began: MonotonicInstant,
        exchange: any HTTPExchange
    ) {
        self.headers = headers
        self.caller = caller
        self.captures = captures
        self.parameters = parameters
        self.route = route
        self.requests = requests
        self.began = began
        self.exchange = exchange
        // Weak, as the exchange would keep what keeps it.
        exchange.clientGone = { [weak self] in
            guard let self, !self.isOver else { return }
            self.isOver = true
            let gone = self.clientGone
            self.clientGone = nil
            gone?()
        }
    }

    /// Answers; does nothing when nobody waits any more.
    func respond(_ response: HTTPResponse) {
        guard !self.isOver else { return }
        self.isOver = true
        self.clientGone = nil
        self.exchange.clientGone = nil
        self.requests.answered(self.route.pattern, status: response.status, began: self.hasWaited ? nil : self.began)
        self.exchange.respond(response)
    }

    func respond(_ problem: Problem) {
        self.respond(Answer.problem(problem))
    }

    /// Whether the caller may see what workers print.
    var detail: Detail {
        if let role = self.caller.role, role >= .read { .full } else { .withoutOutput }
    }
}

/// How much of an exit a caller may see: the two forms that everything with an exit in it is encoded in.
enum Detail: Int, CaseIterable {
    /// `stderr_tail` is null.
    case withoutOutput
    case full
}
