internal import Glibc

extension Errno {
    /// ENOENT
    public static var noEntry: Errno { Errno(rawValue: ENOENT) }
    /// EACCES
    public static var accessDenied: Errno { Errno(rawValue: EACCES) }
    /// ENOTDIR
    public static var notADirectory: Errno { Errno(rawValue: ENOTDIR) }
    /// ENOEXEC
    public static var execFormat: Errno { Errno(rawValue: ENOEXEC) }
    /// E2BIG
    public static var argumentListTooLong: Errno { Errno(rawValue: E2BIG) }
    /// ETXTBSY
    public static var textFileBusy: Errno { Errno(rawValue: ETXTBSY) }
    /// EINVAL
    public static var invalidArgument: Errno { Errno(rawValue: EINVAL) }
    /// ECANCELED
    public static var canceled: Errno { Errno(rawValue: ECANCELED) }
    /// ESRCH
    public static var noSuchProcess: Errno { Errno(rawValue: ESRCH) }
    /// ECHILD
    public static var noChild: Errno { Errno(rawValue: ECHILD) }
    /// EWOULDBLOCK, which is EAGAIN
    public static var wouldBlock: Errno { Errno(rawValue: EWOULDBLOCK) }
    /// EMFILE
    public static var tooManyOpenFiles: Errno { Errno(rawValue: EMFILE) }
    /// ENFILE
    public static var tooManyOpenFilesInSystem: Errno { Errno(rawValue: ENFILE) }
}
