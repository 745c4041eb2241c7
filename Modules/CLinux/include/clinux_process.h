/* Processes: spawn, look at their end, signal them. Prefix: cl_. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// Where a spawn failed.
enum cl_spawn_stage {
    CL_STAGE_NONE = 0,
    CL_STAGE_CLONE,
    CL_STAGE_SETSID,
    CL_STAGE_DIRECTORY,
    CL_STAGE_DESCRIPTORS,
    CL_STAGE_EXEC,
    /// cl_spawn_abort came before or while it ran, and it never was its program.
    CL_STAGE_ABORTED,
};

/// At most so many descriptors go with an announcement, the pidfd not counted.
#define CL_ANNOUNCED_DESCRIPTORS 8

/// What a child tells of itself before anything else: `message`, with its own pidfd and then `descriptors`, in one datagram
/// on `socket`. Told by the child, because its parent may be dead by the time that it could tell.
struct cl_spawn_announcement {
    int32_t socket;
    /// The child writes its pid, 32 bits, at `pid_offset`.
    void *message;
    uint32_t length;
    uint32_t pid_offset;
    const int32_t *_Nullable descriptors;
    uint32_t descriptor_count;
};

/// What is to be executed; everything in it must stay until cl_spawn returns.
struct cl_spawn_request {
    const char *path;
    char *const _Nullable *_Nonnull argv;
    char *const _Nullable *_Nonnull envp;
    /// NULL: the directory of this process.
    const char *_Nullable directory;
    /// The descriptors of this process that become 0, 1 and 2.
    int32_t descriptors[3];
    /// A child whose pidfd has a higher number ends with EMFILE, at the stage of the clone, before it did anything.
    int32_t highest_pidfd;
    /// NULL: nobody is told.
    const struct cl_spawn_announcement *_Nullable announcement;
    /// Where the child writes its pid before anything else; NULL: nowhere.
    int32_t *_Nullable pid_record;
    /// The soft limit of its descriptors (RLIMIT_NOFILE); 0: that of this process.
    uint64_t open_files;
};

struct cl_spawn_result {
    /// 0 when there was no child.
    int32_t pid;
    /// -1 when there was no child. It belongs to the caller, also after a failure.
    int32_t pidfd;
    /// An enum cl_spawn_stage.
    int32_t stage;
    /// A value of errno(3), 0 for success.
    int32_t error;
    /// Why the announcement was not sent, such as EAGAIN when nobody reads; 0 when it was, or none was asked for.
    int32_t announcement_error;
};

/// The child's stack, with a guard page under it, and the memory through which the child answers; for one thread.
typedef struct cl_spawn_lane cl_spawn_lane;

/// NULL with errno. `vacant` is a descriptor of /dev/null, of which the lane keeps duplicates with low numbers; it stays open as
/// long as the lane.
cl_spawn_lane *_Nullable cl_spawn_lane_create(int vacant);
void cl_spawn_lane_destroy(cl_spawn_lane *lane);

/// Forgets the spawn before; afterwards cl_spawn_abort is about the next one. The caller makes sure, by a lock, that
/// cl_spawn_abort runs neither at the same time nor after the pidfd was handed on or closed.
void cl_spawn_prepare(cl_spawn_lane *lane);

/// Looks which signals this process ignores and catches, so that children do not. Before each cl_spawn, but for itself: it takes as
/// many system calls as there are signals, and may be done when nobody waits for it.
void cl_spawn_note_signals(cl_spawn_lane *lane);

/// Creates a process that executes `request` and returns when it does or cannot; the caller's thread is suspended
/// meanwhile. In C because nothing of Swift may run between clone(2) and execve(2): the child borrows this process's
/// memory. A child that failed is reaped when this returns; its pidfd is left open so that a cl_spawn_abort that comes at
/// this moment hits nobody else.
///
/// The child has a session of its own, umask 022, no ignored, caught or blocked signal, and three descriptors.
void cl_spawn(cl_spawn_lane *lane, const struct cl_spawn_request *request, struct cl_spawn_result *result);

/// From another thread: kills the child that hangs in cl_spawn, or is about to be created.
void cl_spawn_abort(cl_spawn_lane *lane);

/// The pid of the child that hangs in cl_spawn now, 0 for none.
int32_t cl_spawn_pid(const cl_spawn_lane *lane);

/// What waitid(2) and getrusage(2) say of an ended child.
struct cl_exit {
    /// 0 while it lives.
    int32_t pid;
    /// si_code: CLD_EXITED, CLD_KILLED or CLD_DUMPED.
    int32_t code;
    /// si_status: the exit code or the signal.
    int32_t status;
    int64_t user_nanoseconds;
    int64_t system_nanoseconds;
    int64_t maximum_resident_kibibytes;
};

/// waitid(P_PIDFD, pidfd, …, WEXITED | WNOHANG | WNOWAIT) with the rusage; 0 or -1 with errno.
/// In C because glibc's waitid hides the fifth argument of the system call.
int cl_peek(int pidfd, struct cl_exit *exit);

/// waitid(P_PIDFD, pidfd, NULL, WEXITED | WNOHANG); 1 when it was reaped, 0 while it lives, -1 with errno.
int cl_reap(int pidfd);

/// The same by number; only for a child of this process that nobody else reaps.
int cl_reap_pid(int32_t pid);

/// pidfd_open(2) and pidfd_send_signal(2); in C because glibc before 2.36 has no wrappers and syscall is variadic.
int cl_pidfd_open(int32_t pid);
int cl_pidfd_send_signal(int pidfd, int signal);

/// PIDFD_GET_INFO with PIDFD_INFO_EXIT (Linux 6.15): the raw wait status of a process that was reaped, also for one that
/// is no child. 1 with `status`, 0 when the kernel does not tell, -1 with errno. In C because ioctl is variadic.
int cl_pidfd_exit_status(int pidfd, int32_t *status);

/// Which of the calls above work here, found by trying them on a child that ends at once.
struct cl_process_capabilities {
    int32_t pidfd;
    int32_t pidfd_send_signal;
    int32_t pidfd_exit_info;
    int32_t close_range;
};
void cl_detect_process_capabilities(struct cl_process_capabilities *found);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
