/* What a process needs that guards another one: messages with descriptors, the start of a program from an open file, the
   replacement of its own. Prefix: cl_. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// Both ends of a socketpair(2) of SOCK_SEQPACKET, non-blocking and close-on-exec, with large buffers as far as allowed.
/// 0 or -1 with errno. In C because the socket types are an enum there that Swift imports differently from libc to libc.
int cl_seqpacket_pair(int *ends);

/// A socket of SOCK_SEQPACKET that listens under `name` in `directory`, whatever the length of the directory's path; what had
/// the name is removed. Non-blocking and close-on-exec. -1 with errno. In C for the socket types, and sockaddr_un.
int cl_seqpacket_listen(int directory, const char *name);

/// One that is connected to what listens there; -1 with errno. Non-blocking from then on, and close-on-exec.
int cl_seqpacket_connect(int directory, const char *name);

/// A client of a listening socket whose user is `user` or root, non-blocking and close-on-exec; another one is turned away with
/// EACCES. -1 with errno. In C because SO_PEERCRED does not reach Swift.
int cl_seqpacket_accept(int socket, uint32_t user);

/// Whether `descriptor` is a connected socket of SOCK_SEQPACKET in AF_UNIX; 0 or 1.
int cl_is_seqpacket(int descriptor);

/// At most so many descriptors go with a message.
#define CL_MESSAGE_DESCRIPTORS 16

/// One datagram with descriptors (SCM_RIGHTS), without waiting and without SIGPIPE; 0 or -1 with errno.
/// In C because the macros of cmsg(3) do not reach Swift.
int cl_send_message(int socket, const void *bytes, uint32_t length, const int32_t *_Nullable descriptors, uint32_t count);

/// What cl_receive_message found.
struct cl_received {
    /// Of the datagram; larger than the capacity when it was cut.
    uint32_t length;
    uint32_t descriptor_count;
    /// Descriptors were lost, because this process has no more of them.
    int32_t lost_descriptors;
    int32_t descriptors[CL_MESSAGE_DESCRIPTORS];
};

/// Receives one datagram without waiting. 1 when there was one, 0 at the end of the stream, -1 with errno. The descriptors
/// are close-on-exec and belong to the caller.
int cl_receive_message(int socket, void *buffer, uint32_t capacity, struct cl_received *received);

/// Closes all descriptors of a received message.
void cl_close_received(struct cl_received *received);

/// A program to start from an open file, whatever the file's name leads to by then.
struct cl_program {
    /// The file, for execveat(2).
    int32_t executable;
    /// What becomes descriptor 3; 0, 1 and 2 stay, all others are closed.
    int32_t inherited;
    char *const _Nullable *_Nonnull argv;
    char *const _Nullable *_Nonnull envp;
    /// The soft limit of RLIMIT_NOFILE; 0 leaves it.
    uint64_t open_files;
    /// Written to /proc/self/oom_score_adj; below -1000 leaves it.
    int32_t oom_score_adjust;
};

/// Creates a process that executes the program in a session of its own, with the caller's signal mask, and does not wait
/// for that: one that cannot be executed ends with 127, and cl_program_error tells why. The pid, or -1 with errno.
/// In C because nothing of Swift may run between fork and exec.
int cl_start_program(const struct cl_program *program, int *pidfd);

/// The errno of the last program that could not be executed; 0 for none.
int cl_program_error(void);

/// open(2) with O_PATH, for which a program need not be readable; close-on-exec. In C because O_PATH is a GNU extension.
int cl_open_program(const char *path);

/// Replaces the program of this process; returns only with an error, -1 with errno.
int cl_execute(int executable, char *const _Nullable *_Nonnull argv, char *const _Nullable *_Nonnull envp);

/// memfd_create(2), close-on-exec. In C because it is a GNU extension that Swift's Glibc module does not show.
int cl_memory_file(const char *name);

/// FD_CLOEXEC on or off; 0 or -1 with errno. In C because fcntl is variadic.
int cl_set_close_on_exec(int descriptor, int on);

/// A second descriptor for the same open file, close-on-exec; -1 with errno. In C because fcntl is variadic.
int cl_duplicate(int descriptor);

/// A child of this process that has ended and was not reaped; its pid, 0 when there is none, -1 with errno (ECHILD: no
/// child at all). Asked twice it may name the same one. The corresponding C function is waitid(2) with P_ALL and WNOWAIT.
int cl_peek_any(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
