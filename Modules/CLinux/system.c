#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
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
        tried = !(n < 0 && errno == ENOSYS);
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

void cl_set_thread_name(const char *name) {
    char bounded[16];
    strncpy(bounded, name, sizeof bounded - 1);
    bounded[sizeof bounded - 1] = 0;
    pthread_setname_np(pthread_self(), bounded);
}
