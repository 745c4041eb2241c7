#define _GNU_SOURCE
#include "clinux_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

// The child runs on the parent's thread pointer and shares its memory: a sanitizer's call would unbalance the parent's
// shadow stack, because an execve never returns.
#define IN_CHILD __attribute__((noinline, disable_sanitizer_instrumentation, no_stack_protector))

// clone(2) under the name that the thread sanitizer does not intercept: its interceptor aborts on CLONE_VM.
extern int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...);

enum { guard_size = 65536, stack_size = 65536, last_signal = 64, signal_set_size = 8 };

struct cl_spawn_lane {
    char *region;
    // Low numbers where the child finds its descriptors, so that it needs none above them; -1 where that does not work.
    int places[3];
    // What they are while there is no child.
    int vacant;
    // The numbers for the child.
    int32_t given[3];
    // Bit n - 1 for each signal n that is ignored or caught here.
    uint64_t dispositions;
    const struct cl_spawn_request *request;
    // What the child answers. The parent is suspended until then, other threads do not read it.
    volatile int stage;
    volatile int error;
    volatile int announcement_error;
    // Written by the kernel: the pidfd before the child is woken, the pid before its first instruction.
    _Atomic int32_t pidfd;
    _Atomic int32_t pid;
    atomic_int aborted;
};

void cl_spawn_note_signals(cl_spawn_lane *lane) {
    uint64_t changed = 0;
    for (int signal = 1; signal <= last_signal; signal++) {
        // The kernel's struct sigaction, which is smaller, begins with the handler on every architecture but MIPS.
        uint64_t action[8] = {0};
        if (signal == SIGKILL || signal == SIGSTOP) continue;
        if (syscall(SYS_rt_sigaction, signal, NULL, action, signal_set_size) < 0 || action[0] != 0) {
            changed |= (uint64_t)1 << (signal - 1);
        }
    }
    lane->dispositions = changed;
}

static void release_places(cl_spawn_lane *lane) {
    for (int i = 0; i < 3; i++) {
        if (lane->places[i] >= 0) close(lane->places[i]);
        lane->places[i] = -1;
    }
}

static void reserve_places(cl_spawn_lane *lane) {
    for (int i = 0; i < 3; i++) lane->places[i] = -1;
    // An empty range beyond every descriptor; CLOSE_RANGE_UNSHARE came with the call.
    if (syscall(SYS_close_range, ~0U, ~0U, 0) < 0) return;
    for (int i = 0; i < 3; i++) {
        lane->places[i] = fcntl(lane->vacant, F_DUPFD_CLOEXEC, 3);
        if (lane->places[i] < 0) {
            release_places(lane);
            return;
        }
    }
}

cl_spawn_lane *cl_spawn_lane_create(int vacant) {
    cl_spawn_lane *lane = calloc(1, sizeof *lane);
    if (!lane) return NULL;
    lane->vacant = vacant;
    reserve_places(lane);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE;
    lane->region = mmap(NULL, guard_size + stack_size, PROT_NONE, flags, -1, 0);
    if (lane->region == MAP_FAILED || mprotect(lane->region + guard_size, stack_size, PROT_READ | PROT_WRITE) != 0) {
        int error = errno;
        if (lane->region != MAP_FAILED) munmap(lane->region, guard_size + stack_size);
        release_places(lane);
        free(lane);
        errno = error;
        return NULL;
    }
    cl_spawn_prepare(lane);
    return lane;
}

void cl_spawn_lane_destroy(cl_spawn_lane *lane) {
    munmap(lane->region, guard_size + stack_size);
    release_places(lane);
    free(lane);
}

void cl_spawn_prepare(cl_spawn_lane *lane) {
    lane->stage = CL_STAGE_NONE;
    lane->error = 0;
    lane->announcement_error = 0;
    atomic_store(&lane->pidfd, -1);
    atomic_store(&lane->pid, 0);
    atomic_store(&lane->aborted, 0);
}

// MARK: In the child

IN_CHILD static int fail(struct cl_spawn_lane *lane, int stage, int error) {
    lane->stage = stage;
    lane->error = error;
    syscall(SYS_exit_group, 127);
    return 127;
}

/// One datagram, never waiting. Fields are set one by one, because an initializer may become a call of memset.
IN_CHILD static int announce(const struct cl_spawn_announcement *announcement, int pid, int pidfd) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE((1 + CL_ANNOUNCED_DESCRIPTORS) * sizeof(int32_t))];
    uint32_t count = announcement->descriptor_count;
    if (count > CL_ANNOUNCED_DESCRIPTORS) count = CL_ANNOUNCED_DESCRIPTORS;
    for (unsigned byte = 0; byte < 4; byte++) {
        ((volatile uint8_t *)announcement->message)[announcement->pid_offset + byte] = (uint8_t)((uint32_t)pid >> 8 * byte);
    }
    struct cmsghdr *header = (struct cmsghdr *)control;
    header->cmsg_len = CMSG_LEN((1 + count) * sizeof(int32_t));
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    volatile int32_t *sent = (volatile int32_t *)CMSG_DATA(header);
    sent[0] = pidfd;
    for (uint32_t i = 0; i < count; i++) sent[1 + i] = announcement->descriptors[i];
    struct iovec part;
    part.iov_base = announcement->message;
    part.iov_len = announcement->length;
    struct msghdr datagram;
    datagram.msg_name = NULL;
    datagram.msg_namelen = 0;
    datagram.msg_iov = &part;
    datagram.msg_iovlen = 1;
    datagram.msg_control = control;
    datagram.msg_controllen = CMSG_SPACE((1 + count) * sizeof(int32_t));
    datagram.msg_flags = 0;
    long result = syscall(SYS_sendmsg, announcement->socket, &datagram, MSG_DONTWAIT | MSG_NOSIGNAL);
    return result < 0 ? errno : 0;
}

/// The same where the table of descriptors is the child's own, without the pidfd that its parent has.
IN_CHILD static int announce_alone(const struct cl_spawn_announcement *announcement, int pid) {
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) return errno;
    int error = announce(announcement, pid, pidfd);
    syscall(SYS_close, pidfd);
    return error;
}

/// The kernel's struct sigaction with SIG_DFL is all zeros on every architecture.
IN_CHILD static void reset_signals(uint64_t changed) {
    uint64_t all_zero[8];
    for (int i = 0; i < 8; i++) {
        ((volatile uint64_t *)all_zero)[i] = 0;
    }
    for (int signal = 1; signal <= last_signal; signal++) {
        if (changed & (uint64_t)1 << (signal - 1)) {
            syscall(SYS_rt_sigaction, signal, all_zero, NULL, signal_set_size);
        }
    }
}

/// Makes the three descriptors 0, 1 and 2. A source below 3 may be the target of another one, so it is moved away first.
IN_CHILD static int place_descriptors(const int32_t *given) {
    int sources[3];
    for (int i = 0; i < 3; i++) {
        int source = given[i];
        if (source >= 0 && source < 3 && source != i) {
            source = (int)syscall(SYS_fcntl, source, F_DUPFD_CLOEXEC, 3);
            if (source < 0) return errno;
        }
        sources[i] = source;
    }
    for (int i = 0; i < 3; i++) {
        // dup3 refuses equal numbers; such a one only has to survive the exec.
        long result = sources[i] == i ? syscall(SYS_fcntl, i, F_SETFD, 0) : syscall(SYS_dup3, sources[i], i, 0);
        if (result < 0) return errno;
    }
    return 0;
}

/// close_range(2) for Linux before 5.9 or a seccomp filter that forbids it.
IN_CHILD static int close_each(void) {
    struct entry {
        uint64_t inode;
        int64_t offset;
        unsigned short length;
        unsigned char type;
        char name[];
    };
    _Alignas(8) char buffer[2048];
    int directory = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (directory < 0) return errno;
    for (;;) {
        long n = syscall(SYS_getdents64, directory, buffer, sizeof buffer);
        if (n < 0) return errno;
        if (n == 0) break;
        for (long at = 0; at < n;) {
            const struct entry *entry = (const struct entry *)(buffer + at);
            at += entry->length;
            int number = 0;
            const char *digit = entry->name;
            while (*digit >= '0' && *digit <= '9') number = number * 10 + (*digit++ - '0');
            if (digit != entry->name && number > 2 && number != directory) syscall(SYS_close, number);
        }
    }
    syscall(SYS_close, directory);
    return 0;
}

/// To lower a soft limit is always allowed. A failure to raise it again leaves the parent's, which is no reason not to run.
IN_CHILD static void limit_open_files(uint64_t count) {
    uint64_t limit[2];
    if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, limit) < 0) return;
    limit[0] = count;
    syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, limit, NULL);
}

IN_CHILD static int highest_place(const struct cl_spawn_lane *lane) {
    int highest = 2;
    for (int i = 0; i < 3; i++) {
        if (lane->places[i] > highest) highest = lane->places[i];
    }
    return highest;
}

IN_CHILD static int child(void *argument) {
    struct cl_spawn_lane *lane = argument;
    const struct cl_spawn_request *request = lane->request;
    // Either this sees the request to abort, or cl_spawn_abort sees the pidfd.
    if (atomic_load(&lane->aborted)) return fail(lane, CL_STAGE_ABORTED, ECANCELED);
    // Looked at here, where the number is known at no cost.
    if (atomic_load(&lane->pidfd) > request->highest_pidfd) return fail(lane, CL_STAGE_CLONE, EMFILE);
    int pid = (int)syscall(SYS_getpid);
    if (request->pid_record) *(volatile int32_t *)request->pid_record = pid;
    int shares = lane->places[0] >= 0;
    if (request->announcement) {
        lane->announcement_error = shares ? announce(request->announcement, pid, atomic_load(&lane->pidfd))
                                          : announce_alone(request->announcement, pid);
    }
    // All this comes before anything that may hang, which would hold the parent's files and locks for as long.
    if (shares && syscall(SYS_close_range, highest_place(lane) + 1, ~0U, CLOSE_RANGE_UNSHARE) < 0) {
        return fail(lane, CL_STAGE_DESCRIPTORS, errno);
    }
    int error = place_descriptors(lane->given);
    if (error) return fail(lane, CL_STAGE_DESCRIPTORS, error);
    if (syscall(SYS_close_range, 3, ~0U, 0) < 0) {
        error = close_each();
        if (error) return fail(lane, CL_STAGE_DESCRIPTORS, error);
    }
    if (syscall(SYS_setsid) < 0) return fail(lane, CL_STAGE_SETSID, errno);
    syscall(SYS_umask, 022);
    reset_signals(lane->dispositions);
    if (request->directory && syscall(SYS_chdir, request->directory) < 0) return fail(lane, CL_STAGE_DIRECTORY, errno);
    if (request->open_files) limit_open_files(request->open_files);
    // Last, when every disposition is the default: a handler would run in the parent's memory.
    uint64_t none = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, signal_set_size);
    syscall(SYS_execve, request->path, request->argv, request->envp);
    return fail(lane, CL_STAGE_EXEC, errno);
}

// MARK: In the parent

/// Waits for a child that is known to be at its end.
static void reap_now(int pidfd) {
    while (syscall(SYS_waitid, P_PIDFD, pidfd, NULL, WEXITED, NULL) < 0 && errno == EINTR) {
    }
}

/// Whether a zombie had become its program: it lacks PF_FORKNOEXEC (linux/sched.h) in its flags, the 9th field of its line in
/// /proc. The name in parentheses may hold anything, so the 3rd field is looked for from the end.
static int has_executed(int pid) {
    char path[32], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t length = read(file, line, sizeof line - 1);
    close(file);
    if (length <= 0) return 0;
    line[length] = 0;
    const char *end = strrchr(line, ')');
    unsigned flags = 0;
    if (!end || sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) != 1) return 0;
    return !(flags & 0x40);
}

/// Puts what the child is to get where it finds it; 0 or a value of errno(3).
static int fill_places(cl_spawn_lane *lane, const int32_t *descriptors) {
    for (int i = 0; i < 3; i++) lane->given[i] = descriptors[i];
    for (int i = 0; i < 3; i++) {
        if (lane->places[i] < 0 || descriptors[i] < 3) continue;
        if (descriptors[i] != lane->vacant && dup3(descriptors[i], lane->places[i], O_CLOEXEC) < 0) return errno;
        lane->given[i] = lane->places[i];
    }
    return 0;
}

/// Keeps the numbers, but no writing end of a pipe, whose reader waits for the last one to be closed.
static void vacate_places(cl_spawn_lane *lane) {
    for (int i = 0; i < 3; i++) {
        if (lane->given[i] == lane->places[i] && lane->request->descriptors[i] != lane->vacant) {
            dup3(lane->vacant, lane->places[i], O_CLOEXEC);
        }
    }
}

void cl_spawn(cl_spawn_lane *lane, const struct cl_spawn_request *request, struct cl_spawn_result *result) {
    lane->request = request;
    int unusable = fill_places(lane, request->descriptors);
    if (unusable) {
        vacate_places(lane);
        *result = (struct cl_spawn_result){0, -1, CL_STAGE_DESCRIPTORS, unusable, 0};
        return;
    }
    // Raw, because pthread_sigmask leaves the two signals of glibc out. A handler must not run in the child.
    uint64_t all = ~(uint64_t)0, before = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, signal_set_size);
    // CLONE_CHILD_SETTID and not CLONE_PARENT_SETTID: clone(2) returns the pidfd where that one would store the pid.
    int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CHILD_SETTID | SIGCHLD;
    // To copy the table and to close the copies would take longer than all the rest where there are hundreds of workers.
    if (lane->places[0] >= 0) flags |= CLONE_FILES;
    void *stack = lane->region + guard_size + stack_size;
    int pid = __clone(child, stack, flags, lane, &lane->pidfd, NULL, &lane->pid);
    int error = errno;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, signal_set_size);
    vacate_places(lane);
    if (pid < 0) {
        *result = (struct cl_spawn_result){0, -1, CL_STAGE_CLONE, error, 0};
        return;
    }
    int pidfd = atomic_load(&lane->pidfd);
    *result = (struct cl_spawn_result){pid, pidfd, lane->stage, lane->error, lane->announcement_error};
    if (result->stage != CL_STAGE_NONE) {
        reap_now(pidfd);
    } else if (atomic_load(&lane->aborted)) {
        // Killed in exec, or after it. The second signal is for a request that came before there was a pidfd.
        cl_pidfd_send_signal(pidfd, SIGKILL);
        siginfo_t info;
        while (syscall(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED | WNOWAIT, NULL) < 0 && errno == EINTR) {
        }
        // One that was its program for a moment has run, and its end is to be told like any other's.
        if (has_executed(pid)) return;
        reap_now(pidfd);
        result->stage = CL_STAGE_ABORTED;
        result->error = ECANCELED;
    }
}

void cl_spawn_abort(cl_spawn_lane *lane) {
    atomic_store(&lane->aborted, 1);
    int pidfd = atomic_load(&lane->pidfd);
    if (pidfd >= 0) cl_pidfd_send_signal(pidfd, SIGKILL);
}

int32_t cl_spawn_pid(const cl_spawn_lane *lane) { return atomic_load(&((cl_spawn_lane *)lane)->pid); }

// MARK: Capabilities

IN_CHILD static int end_at_once(void *argument) {
    (void)argument;
    syscall(SYS_exit_group, 42);
    return 42;
}

void cl_detect_process_capabilities(struct cl_process_capabilities *found) {
    *found = (struct cl_process_capabilities){0};
    // An empty range beyond every descriptor: tells whether the call is there and allowed.
    found->close_range = syscall(SYS_close_range, ~0U, ~0U, 0) == 0;
    cl_spawn_lane *lane = cl_spawn_lane_create(-1);
    if (!lane) return;
    int pidfd = -1;
    uint64_t all = ~(uint64_t)0, before = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, signal_set_size);
    int pid = __clone(end_at_once, lane->region + guard_size + stack_size, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
                      NULL, &pidfd);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, signal_set_size);
    if (pid > 0 && pidfd >= 0) {
        // To a zombie a signal can be sent, without effect.
        found->pidfd_send_signal = syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0) == 0;
        siginfo_t info;
        found->pidfd = syscall(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED, NULL) == 0;
        int32_t status = 0;
        found->pidfd_exit_info = cl_pidfd_exit_status(pidfd, &status) == 1 && status == 42 << 8;
        close(pidfd);
    }
    if (pid > 0 && !found->pidfd) waitpid(pid, NULL, 0);
    cl_spawn_lane_destroy(lane);
}
