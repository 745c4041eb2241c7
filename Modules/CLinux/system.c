#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

enum { maximum_events = 64 };

const char *cl_errno_name(int number) { return strerrorname_np(number); }

const char *cl_errno_description(int number) {
    const char *text = strerrordesc_np(number);
    return text ? text : "Unknown error";
}

int cl_epoll_ctl(int epoll, int operation, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll, operation, descriptor, &event);
}

int cl_epoll_wait(int epoll, struct cl_epoll_event *events, int count, int64_t nanoseconds) {
    static atomic_int has_no_pwait2;
    struct epoll_event native[maximum_events];
    int limit = count < maximum_events ? count : maximum_events;
    int n = -1;
    int tried = 0;
    if (nanoseconds > 0 && !atomic_load_explicit(&has_no_pwait2, memory_order_relaxed)) {
        struct timespec timeout = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
        n = (int)syscall(SYS_epoll_pwait2, epoll, native, limit, &timeout, NULL, 0);
        // Older seccomp filters answer EPERM for a call that they do not know.
        tried = !(n < 0 && (errno == ENOSYS || errno == EPERM));
        if (!tried) atomic_store_explicit(&has_no_pwait2, 1, memory_order_relaxed);
    }
    if (!tried) {
        int64_t milliseconds = nanoseconds < 0 ? -1 : nanoseconds / 1000000 + (nanoseconds % 1000000 != 0);
        n = epoll_wait(epoll, native, limit, milliseconds > 0x7fffffff ? 0x7fffffff : (int)milliseconds);
    }
    for (int i = 0; i < n; i++) {
        events[i].events = native[i].events;
        events[i].data = native[i].data.u64;
    }
    return n;
}

int cl_has_epoll_pwait2(void) {
    struct epoll_event event;
    struct timespec timeout = {0, 0};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) return 0;
    long n = syscall(SYS_epoll_pwait2, epoll, &event, 1, &timeout, NULL, 0);
    close(epoll);
    return n == 0;
}

void cl_set_thread_name(const char *name) {
    char bounded[16];
    strncpy(bounded, name, sizeof bounded - 1);
    bounded[sizeof bounded - 1] = 0;
    pthread_setname_np(pthread_self(), bounded);
}

static _Thread_local int is_batch;

void cl_begin_batch(void) {
    struct sched_param none = {0};
    // Any other policy was somebody's choice.
    if (sched_getscheduler(0) == SCHED_OTHER) is_batch = sched_setscheduler(0, SCHED_BATCH, &none) == 0;
}

void cl_end_batch(void) {
    struct sched_param none = {0};
    if (is_batch) sched_setscheduler(0, SCHED_OTHER, &none);
    is_batch = 0;
}

int cl_is_batch(void) { return is_batch; }

int cl_pipe(int *ends) { return pipe2(ends, O_CLOEXEC); }

int cl_signalfd(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) {
        if (sigaddset(&set, signals[i]) != 0) return -1;
    }
    int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int cl_signalfd_read(int descriptor, struct cl_signal *records) {
    struct signalfd_siginfo infos[CL_SIGNALS_AT_ONCE];
    ssize_t n;
    do {
        n = read(descriptor, infos, sizeof infos);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    int count = (int)(n / (ssize_t)sizeof infos[0]);
    for (int i = 0; i < count; i++) {
        records[i].number = (int32_t)infos[i].ssi_signo;
        records[i].sender_pid = (int32_t)infos[i].ssi_pid;
        records[i].sender_uid = infos[i].ssi_uid;
    }
    return count;
}

int cl_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int cl_is_subreaper(void) {
    int value = 0;
    return prctl(PR_GET_CHILD_SUBREAPER, &value, 0, 0, 0) == 0 && value;
}
