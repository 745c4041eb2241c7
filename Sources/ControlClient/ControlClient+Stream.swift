import CCurl

extension ControlClient {
    /// The agent's streams say something every 15 seconds, be it that nothing happens. Who hears nothing for so long has
    /// lost the agent, even if no connection says so.
    public static let longestSilence = Duration.seconds(45)

    /// Sends a request and hands over the body of its answer piece by piece, as it comes, until it ends.
    ///
    /// The closures are called on the thread of the caller, which waits meanwhile. To be ended from elsewhere, let
    /// `isWanted` look at something that others may set.
    ///
    /// - Parameters:
    ///   - request: its `timeout` is for the whole stream; `nil` for one without an end.
    ///   - silenceLimit: how long nothing may come before the stream is taken for lost (`timedOut`).
    ///   - isWanted: asked at least about once a second; `false` ends the stream, which is no error.
    ///   - began: called with the status and the header of an answer that is a success, before its body.
    ///   - receive: takes the next bytes of the body, which are divided anywhere; `false` ends the stream, which is no error.
    /// - Returns: the answer's status and header, its body empty: it was handed over. The body of an answer that is no success
    ///   is not handed over but stands here, as after `send`. The status is 0 when the end came before the answer.
    /// - Throws: `disconnected` when the connection broke before the end of the body.
    @discardableResult
    public func stream(
        _ request: ControlRequest,
        silenceLimit: Duration? = ControlClient.longestSilence,
        isWanted: @escaping () -> Bool = { true },
        began: @escaping (ControlResponse) -> Void = { _ in },
        receive: @escaping ([UInt8]) -> Bool
    ) throws(ControlClientError) -> ControlResponse {
        let consumer = StreamConsumer(
            silenceLimit: silenceLimit,
            isWanted: isWanted,
            began: began,
            receive: receive
        )
        let transfer = Transfer(limit: self.answerLimit, consumer: consumer)
        let code = try self.perform(request, transfer)
        switch code {
        case CURLE_OK: break
        // The two ways in which libcurl says that one of our functions wanted no more.
        case CURLE_WRITE_ERROR, CURLE_ABORTED_BY_CALLBACK:
            if consumer.isSilent {
                throw .timedOut(endpoint: self.endpoint.description)
            }
            guard consumer.isDone else { throw self.error(code) }
        default: throw self.error(code)
        }
        return ControlResponse(status: transfer.status, headers: transfer.headers, body: transfer.body)
    }
}
