/* What Swift cannot import, or what must not be Swift between clone and exec. Prefix: cl_. */
#pragma once

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "clinux_files.h"
#include "clinux_keeper.h"
#include "clinux_process.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// The symbolic name of an errno value, such as "ENOENT"; NULL for an unknown one.
/// In C because strerrorname_np is a GNU extension that Swift's Glibc module does not show.
const char *_Nullable cl_errno_name(int number);

/// The sentence for an errno value in the C locale, such as "No such file or directory"; never NULL.
/// In C because strerrordesc_np is a GNU extension; unlike strerror it is thread-safe and needs no buffer.
const char *cl_errno_description(int number);

/// epoll_ctl(2) with 64 bits of user data. In C because epoll_event is packed on x86-64 and its data is a union.
int cl_epoll_ctl(int epoll, int operation, int descriptor, uint32_t events, uint64_t data);

/// One event of cl_epoll_wait.
struct cl_epoll_event {
    uint32_t events;
    uint64_t data;
};

/// epoll_pwait2(2) where the kernel has it (Linux 5.11), with its resolution of nanoseconds, else epoll_wait(2),
/// rounded up to a millisecond. `nanoseconds` below 0 waits for ever. Writes at most 64 events.
int cl_epoll_wait(int epoll, struct cl_epoll_event *events, int count, int64_t nanoseconds);

/// Whether epoll_pwait2(2) works here; tried once.
int cl_has_epoll_pwait2(void);

/// Names the calling thread, at most 15 bytes. In C because pthread_setname_np is a GNU extension.
void cl_set_thread_name(const char *name);

/// Makes the calling thread one of SCHED_BATCH (sched(7)): when it is woken it takes the processor from nobody, but waits for the next
/// turn. Not where another policy than the usual one was chosen. Threads and processes that it starts inherit that.
void cl_begin_batch(void);

/// Makes it usual again.
void cl_end_batch(void);

/// Whether it was made so by cl_begin_batch.
int cl_is_batch(void);

/// pipe2(2) with O_CLOEXEC. In C because Swift's Glibc module lacks it.
int cl_pipe(int *ends);

/// Makes `signals` wait for a signalfd(2) instead of being delivered: blocks them in the calling thread and returns a
/// non-blocking, close-on-exec descriptor, or -1 with errno. In C because Swift's Glibc module lacks signalfd.
int cl_signalfd(const int *signals, int count);

/// One record of a signalfd.
struct cl_signal {
    int32_t number;
    int32_t sender_pid;
    uint32_t sender_uid;
};

/// How many records one call of cl_signalfd_read takes at most.
enum { CL_SIGNALS_AT_ONCE = 16 };

/// Reads up to CL_SIGNALS_AT_ONCE records and returns how many; fewer mean that no more wait. -1 with errno.
int cl_signalfd_read(int descriptor, struct cl_signal *records);

/// prctl(2) is variadic: PR_SET_CHILD_SUBREAPER and PR_GET_CHILD_SUBREAPER; 0 or -1 with errno.
int cl_become_subreaper(void);
int cl_is_subreaper(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
