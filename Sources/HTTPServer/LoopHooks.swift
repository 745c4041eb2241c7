internal import LinuxSystem

/// The server's part in each turn of its loop, behind whatever was there before. It holds the server while that runs; the
/// loop holds it for good. Not a weak reference, which would make each use of the server dearer.
final class LoopHooks {
    var server: HTTPServer?

    init(_ loop: EventLoop) {
        let endOfTurn = loop.endOfTurn
        loop.endOfTurn = {
            endOfTurn?()
            self.server?.run()
        }
        let longestWait = loop.longestWait
        loop.longestWait = {
            guard let own = self.server?.longestWait else { return longestWait?() }
            return longestWait?().map { min($0, own) } ?? own
        }
    }
}
