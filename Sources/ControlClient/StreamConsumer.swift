/// Whom the body of an answer is handed to while it comes.
final class StreamConsumer {
    /// Called with the head of an answer that is a success.
    let began: (ControlResponse) -> Void
    private let receive: ([UInt8]) -> Bool
    private let isWanted: () -> Bool
    private let silenceLimit: Duration?
    private var lastNews = ContinuousClock.now
    /// Somebody has had enough, which is no error.
    private(set) var isDone = false
    /// Nothing came for longer than is usual.
    private(set) var isSilent = false

    init(
        silenceLimit: Duration?,
        isWanted: @escaping () -> Bool,
        began: @escaping (ControlResponse) -> Void,
        receive: @escaping ([UInt8]) -> Bool
    ) {
        self.began = began
        self.silenceLimit = silenceLimit
        self.isWanted = isWanted
        self.receive = receive
    }

    func take(_ piece: [UInt8]) -> Bool {
        self.isDone = !self.receive(piece)
        // After the call: how long that takes says nothing about the other side.
        self.lastNews = .now
        return !self.isDone
    }

    /// Asked now and then, whether something comes or not.
    func goesOn() -> Bool {
        self.isDone = self.isDone || !self.isWanted()
        if let limit = self.silenceLimit, ContinuousClock.now - self.lastNews > limit {
            self.isSilent = true
        }
        return !self.isDone && !self.isSilent
    }
}
