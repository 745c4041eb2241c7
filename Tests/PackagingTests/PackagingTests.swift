import Testing

/// What `Packaging/` holds, each file under the program that it is for, as far as that can be had. One at a time: each
/// boots a small machine.
@Suite("Packaging", .serialized, .timeLimit(.minutes(10)))
enum PackagingTests {}
