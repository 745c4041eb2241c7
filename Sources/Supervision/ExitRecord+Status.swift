extension ExitRecord {
    /// The exit status by which a process tells of this end as if it were its own, in the way of a shell: the code, 128 and
    /// the signal, 127 for a program that was not found and 126 for one that could not be executed; 1 when nobody knows.
    public var exitStatus: UInt8 {
        if let code = self.waitStatus?.exitCode {
            return UInt8(truncatingIfNeeded: code)
        }
        if let signal = self.waitStatus?.signal {
            return UInt8(truncatingIfNeeded: 128 + signal.number)
        }
        guard let error = self.error else { return 1 }
        return error.stage == "exec" && error.errnoName == "ENOENT" ? 127 : 126
    }
}
