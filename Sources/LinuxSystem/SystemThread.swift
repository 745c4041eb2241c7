internal import CLinux
internal import Glibc

/// A thread of its own for a room or a lane, detached.
public enum SystemThread {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Starts a thread that is called `name` (of which the kernel keeps 15 bytes) and runs `body`; it inherits the
    /// caller's blocked signals. EAGAIN at the limit of threads. The corresponding C function is `pthread_create`.
    public static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(Errno) {
        // pthread_create takes a C function, so the closure travels as a pointer; the thread takes the reference over.
        let box = Unmanaged.passRetained(Body(name: name, run: body))
        var thread = pthread_t()
        let error = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                cl_set_thread_name(body.name)
                body.run()
                return nil
            },
            box.toOpaque()
        )
        guard error == 0 else {
            box.release()
            throw Errno(rawValue: error)
        }
        pthread_detach(thread)
    }
}
