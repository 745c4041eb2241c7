import Supervision
import Testing

@Suite struct WaitStatusTests {
    @Test func everySixteenBitValueIsDecodedAsTheCMacrosDo() {
        var exited = 0
        var signaled = 0
        var stopped = 0
        var continued = 0
        var invalid = 0
        for rawValue in Int32(0)...0xffff {
            let status = WaitStatus(rawValue: rawValue)
            let macros = Macros(status: rawValue)
            switch status.kind {
            case .exited(let code):
                #expect(macros.isExited && !macros.isSignaled && code == macros.exitStatus, "\(rawValue)")
                exited += 1
            case .signaled(let signal, let coreDumped):
                #expect(
                    macros.isSignaled && !macros.isExited && signal.number == macros.terminationSignal,
                    "\(rawValue)"
                )
                #expect(coreDumped == macros.hasCoreDump, "\(rawValue)")
                signaled += 1
            case .stopped(let signal):
                #expect(macros.isStopped && !macros.isSignaled && signal.number == macros.exitStatus, "\(rawValue)")
                stopped += 1
            case .continued:
                #expect(macros.isContinued, "\(rawValue)")
                continued += 1
            case .invalid:
                #expect(
                    !macros.isExited && !macros.isSignaled && !macros.isStopped && !macros.isContinued,
                    "\(rawValue)"
                )
                invalid += 1
            }
        }
        // 2 of the 256 low bytes mean exited, 252 signaled, 0x7f stopped; 0xff nothing, but for 0xffff.
        #expect(exited == 2 * 256)
        #expect(signaled == 252 * 256)
        #expect(stopped == 256)
        #expect(continued == 1)
        #expect(invalid == 255)
    }

    @Test(
        arguments: [
            (0x0000, .exited(code: 0)),
            (0x0100, .exited(code: 1)),
            (0x4e00, .exited(code: 78)),
            (0x7f00, .exited(code: 127)),
            (0x8b00, .exited(code: 139)),
            (0xff00, .exited(code: 255)),
            (0x0001, .signaled(.hangup, coreDumped: false)),
            (0x0009, .signaled(.kill, coreDumped: false)),
            (0x000b, .signaled(.segmentationViolation, coreDumped: false)),
            (0x000f, .signaled(.terminate, coreDumped: false)),
            (0x0040, .signaled(Signal(64), coreDumped: false)),
            (0x0086, .signaled(.abort, coreDumped: true)),
            (0x008b, .signaled(.segmentationViolation, coreDumped: true)),
            (0x007f, .stopped(Signal(0))),
            (0x137f, .stopped(Signal(19))),
            (0x147f, .stopped(Signal(20))),
            (0xffff, .continued),
            (0x00ff, .invalid),
        ] as [(Int32, WaitStatus.Kind)]
    )
    func aKnownValueMeansWhatTheKernelMeant(rawValue: Int32, kind: WaitStatus.Kind) {
        #expect(WaitStatus(rawValue: rawValue).kind == kind)
    }

    @Test func valuesBeyondSixteenBitsAreDecodedAsTheCMacrosDo() {
        // A ptrace event stands above the stop signal (ptrace(2)); WIFCONTINUED compares the whole value.
        #expect(WaitStatus(rawValue: 0x3057f).kind == .stopped(Signal(5)))
        #expect(WaitStatus(rawValue: 0x1ffff).kind == .invalid)
        #expect(WaitStatus(rawValue: -1).kind == .invalid)
    }

    @Test func aNumberIsNeverInvented() {
        let exited = WaitStatus(rawValue: 0x8b00)
        #expect(exited.exitCode == 139)
        #expect(exited.signal == nil)
        #expect(!exited.coreDumped)
        let crashed = WaitStatus(rawValue: 0x8b)
        #expect(crashed.exitCode == nil)
        #expect(crashed.signal == .segmentationViolation)
        #expect(crashed.coreDumped)
        for rawValue: Int32 in [0x137f, 0xffff, 0xff] {
            let other = WaitStatus(rawValue: rawValue)
            #expect(other.exitCode == nil)
            #expect(other.signal == nil)
            #expect(!other.coreDumped)
        }
    }

    @Test func anExitCodeReachesTheParentWithItsLowEightBits() {
        for code in Int32(0)...255 {
            #expect(WaitStatus(exitCode: code).kind == .exited(code: code))
        }
        #expect(WaitStatus(exitCode: 256).exitCode == 0)
        #expect(WaitStatus(exitCode: -1).exitCode == 255)
    }

    @Test func aSignalIsReadBackFromItsStatus() {
        for number in Int32(1)...64 {
            for coreDumped in [false, true] {
                let status = WaitStatus(signal: Signal(number), coreDumped: coreDumped)
                #expect(status.kind == .signaled(Signal(number), coreDumped: coreDumped))
            }
        }
        #expect(WaitStatus(signal: .segmentationViolation, coreDumped: true).rawValue == 139)
    }
}

/// The macros of glibc's `<bits/waitstatus.h>`, which Swift does not import, with their C arithmetic.
private struct Macros {
    var status: Int32

    var exitStatus: Int32 { (self.status & 0xff00) >> 8 }
    var terminationSignal: Int32 { self.status & 0x7f }
    var isExited: Bool { self.terminationSignal == 0 }
    /// The cast to `signed char` takes 0x7f + 1 out of the signals.
    var isSignaled: Bool { Int8(truncatingIfNeeded: (self.status & 0x7f) + 1) >> 1 > 0 }
    var isStopped: Bool { self.status & 0xff == 0x7f }
    var isContinued: Bool { self.status == 0xffff }
    var hasCoreDump: Bool { self.status & 0x80 != 0 }
}
