internal import CLinux

/// The process to which the kernel gives the descendants whose parent has ended, instead of to init. Children do not
/// inherit it.
public enum Subreaper {
    /// The corresponding C function is `prctl` with `PR_SET_CHILD_SUBREAPER`.
    public static func become() throws(Errno) {
        try systemCall("prctl") { cl_become_subreaper() }
    }

    /// Whether this process is one. The corresponding C function is `prctl` with `PR_GET_CHILD_SUBREAPER`.
    public static var isOne: Bool {
        cl_is_subreaper() == 1
    }
}
