import ControlMessages
import History
import Supervision
import Testing

/// The lists of words in the document against the types that they come from.
@Suite struct WordsTests {
    @Test func statesAreThoseOfTheSupervisor() throws {
        let document = try ContractDocument()
        let states = InstanceState.allCases.map(\.rawValue)
        #expect(try document.words("InstanceState") == states)
        #expect(try document.words("WorkerState") == states + ["degraded"])
        #expect(try document.words("DesiredState") == DesiredState.allCases.map(\.rawValue))
        #expect(try document.words("HealthState") == Health.allCases.map(\.rawValue))
        #expect(try document.words("Worker", "restart") == RestartPolicy.allCases.map(\.rawValue))
    }

    @Test func whatIsSaidOfAnExitIsWhatTheSupervisorDecides() throws {
        let document = try ContractDocument()
        #expect(try document.words("Cause") == ExitCause.allCases.map(\.rawValue))
        #expect(try document.words("Exit", "outcome") == ExitOutcome.allCases.map(\.rawValue))
        #expect(try document.words("Exit", "oom") == OutOfMemory.allCases.map(\.rawValue))
        #expect(try document.words("Decision", "action") == ExitDecision.Action.allCases.map(\.rawValue))
    }

    @Test func whatIsSaidOfAnOperationIsWhatTheSupervisorDoes() throws {
        let document = try ContractDocument()
        #expect(try document.words("Operation", "action") == OperationAction.allCases.map(\.rawValue))
        #expect(try document.words("Operation", "state") == OperationState.allCases.map(\.rawValue))
        let outcomes = try document.words("OperationInstance", "outcome")
        #expect(outcomes == OperationInstance.Outcome.allCases.map(\.rawValue))
        #expect(try document.words("SignalScope") == SignalScope.allCases.map(\.rawValue))
    }

    @Test func theTypesOfEventsAreThoseOfTheHistory() throws {
        let types = try ContractDocument().words("EventType")
        #expect(types == TransitionRecord.Kind.allCases.map(\.rawValue) + [EventMessage.lagged])
    }

    @Test func theProblemCodesAreTheClosedList() throws {
        let document = try ContractDocument()
        #expect(try document.words("ProblemCode") == ProblemCode.allCases.map(\.rawValue))
    }
}
