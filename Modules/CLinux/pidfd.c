#define _GNU_SOURCE
#include "clinux_process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/// struct pidfd_info of <linux/pidfd.h> in its first size; glibc 2.36's headers are older than it.
struct pidfd_info_v0 {
    uint64_t mask;
    uint64_t cgroup;
    uint32_t ids[11];
    int32_t exit_code;
};
_Static_assert(sizeof(struct pidfd_info_v0) == 64, "PIDFD_INFO_SIZE_VER0");

enum { pidfd_info_exit = 1 << 3 };

static int64_t nanoseconds(struct timeval time) { return (int64_t)time.tv_sec * 1000000000 + time.tv_usec * 1000; }

int cl_peek(int pidfd, struct cl_exit *exit) {
    siginfo_t info;
    struct rusage usage;
    memset(&info, 0, sizeof info);
    memset(&usage, 0, sizeof usage);
    if (syscall(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED | WNOWAIT | WNOHANG, &usage) < 0) return -1;
    exit->pid = info.si_pid;
    exit->code = info.si_code;
    exit->status = info.si_status;
    exit->user_nanoseconds = nanoseconds(usage.ru_utime);
    exit->system_nanoseconds = nanoseconds(usage.ru_stime);
    exit->maximum_resident_kibibytes = usage.ru_maxrss;
    return 0;
}

static int reap(int type, int number) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (syscall(SYS_waitid, type, number, &info, WEXITED | WNOHANG, NULL) < 0) return -1;
    return info.si_pid != 0;
}

int cl_reap(int pidfd) { return reap(P_PIDFD, pidfd); }

int cl_reap_pid(int32_t pid) { return reap(P_PID, pid); }

int cl_pidfd_open(int32_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int cl_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int cl_pidfd_exit_status(int pidfd, int32_t *status) {
    struct pidfd_info_v0 info = {.mask = pidfd_info_exit};
    if (ioctl(pidfd, _IOWR(0xFF, 11, struct pidfd_info_v0), &info) < 0) return -1;
    if (!(info.mask & pidfd_info_exit)) return 0;
    *status = info.exit_code;
    return 1;
}
