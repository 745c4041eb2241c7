internal import Supervision

/// What a request that waits for an operation gets when the operation has ended.
struct OperationWait {
    enum Answer {
        /// The outcome as a status: 200, 424, 409.
        case outcome
        /// The operation as it is, always with 200.
        case look
    }

    var id: OperationID
    var answer: Answer
}

/// `wait` of a request for an operation.
enum WaitMode: String, CaseIterable {
    case none
    case done
    /// Of the contract; refused in this version.
    case ready
    case exit
}
