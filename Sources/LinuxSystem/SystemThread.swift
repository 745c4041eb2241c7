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

    /// From now on the calling thread takes the processor from nobody when it is woken, but waits until one is free or its turn comes,
    /// which is some milliseconds at most: whoever woke it goes on first. The corresponding C function is `sched_setscheduler` with
    /// `SCHED_BATCH`.
    public static func enterBackground() {
        cl_begin_batch()
    }

    /// Starts a thread that is called `name` (of which the kernel keeps 15 bytes) and runs `body`; it inherits the
    /// caller's blocked signals. EAGAIN at the limit of threads. The corresponding C function is `pthread_create`.
    ///
    /// - Parameter inBackground: whether its work is never urgent (`enterBackground`); it does not depend on what the caller is.
    public static func start(
        name: String,
        inBackground: Bool = false,
        _ body: @escaping @Sendable () -> Void
    ) throws(Errno) {
        let begin = { @Sendable in
            if inBackground {
                Self.enterBackground()
            }
            body()
        }
        // The new thread inherits what this one is when it is made.
        let isInBackground = cl_is_batch() != 0
        cl_end_batch()
        defer {
            if isInBackground {
                cl_begin_batch()
            }
        }
        // pthread_create takes a C function, so the closure travels as a pointer; the thread takes the reference over.
        let box = Unmanaged.passRetained(Body(name: name, run: begin))
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
