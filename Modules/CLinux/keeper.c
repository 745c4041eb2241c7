#define _GNU_SOURCE
#include "clinux.h"
#include "clinux_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

#define IN_CHILD __attribute__((noinline, disable_sanitizer_instrumentation, no_stack_protector))

enum { buffer_size = 1 << 20 };

// MARK: Messages

int cl_seqpacket_pair(int *ends) {
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) return -1;
    for (int i = 0; i < 2; i++) {
        int size = buffer_size;
        // Beyond net.core.wmem_max only with CAP_NET_ADMIN; without, as large as that.
        if (setsockopt(ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0) {
            setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        }
    }
    return 0;
}

// Through /proc, because a path may be too long for sockaddr_un.
static int address(int directory, const char *name, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

static int fail(int socket) {
    int error = errno;
    close(socket);
    errno = error;
    return -1;
}

int cl_seqpacket_listen(int directory, const char *name) {
    struct sockaddr_un where;
    if (address(directory, name, &where) < 0) return -1;
    int number = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (number < 0) return -1;
    unlinkat(directory, name, 0);
    if (bind(number, (struct sockaddr *)&where, sizeof where) < 0) return fail(number);
    if (fchmodat(directory, name, 0600, 0) < 0 || listen(number, 4) < 0) return fail(number);
    return number;
}

int cl_seqpacket_connect(int directory, const char *name) {
    struct sockaddr_un where;
    if (address(directory, name, &where) < 0) return -1;
    int number = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (number < 0) return -1;
    return connect(number, (struct sockaddr *)&where, sizeof where) < 0 ? fail(number) : number;
}

int cl_seqpacket_accept(int listening, uint32_t user) {
    int number = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (number < 0) return -1;
    struct ucred peer = {0};
    socklen_t length = sizeof peer;
    if (getsockopt(number, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return fail(number);
    if (peer.uid != user && peer.uid != 0) {
        errno = EACCES;
        return fail(number);
    }
    return number;
}

static int option(int socket, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(socket, SOL_SOCKET, name, &value, &length) < 0 ? -1 : value;
}

int cl_is_seqpacket(int descriptor) {
    return option(descriptor, SO_TYPE) == SOCK_SEQPACKET && option(descriptor, SO_DOMAIN) == AF_UNIX;
}

int cl_send_message(int socket, const void *bytes, uint32_t length, const int32_t *descriptors, uint32_t count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(CL_MESSAGE_DESCRIPTORS * sizeof(int32_t))];
    } control;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > CL_MESSAGE_DESCRIPTORS) {
        errno = EINVAL;
        return -1;
    }
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int32_t));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(count * sizeof(int32_t));
        memcpy(CMSG_DATA(&control.header), descriptors, count * sizeof(int32_t));
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

int cl_receive_message(int socket, void *buffer, uint32_t capacity, struct cl_received *received) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(CL_MESSAGE_DESCRIPTORS * sizeof(int32_t))];
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memset(received, 0, sizeof *received);
    ssize_t count;
    do {
        // MSG_TRUNC: the length of the datagram and not of what was copied.
        count = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return -1;
    received->length = (uint32_t)count;
    received->lost_descriptors = (message.msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t number = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int32_t);
        const unsigned char *data = CMSG_DATA(header);
        for (size_t i = 0; i < number; i++) {
            int32_t descriptor;
            memcpy(&descriptor, data + i * sizeof descriptor, sizeof descriptor);
            if (received->descriptor_count < CL_MESSAGE_DESCRIPTORS) {
                received->descriptors[received->descriptor_count++] = descriptor;
            } else {
                close(descriptor);
            }
        }
    }
    // An empty datagram cannot be told from the end of the stream, so nobody sends one.
    return count > 0;
}

void cl_close_received(struct cl_received *received) {
    for (uint32_t i = 0; i < received->descriptor_count; i++) close(received->descriptors[i]);
    received->descriptor_count = 0;
}

// MARK: Programs

/// Shared with the child, which has a memory of its own.
static volatile int *program_error;

int cl_program_error(void) { return program_error ? *program_error : 0; }

IN_CHILD static void write_number(const char *path, int32_t value) {
    char text[12];
    int at = sizeof text;
    uint32_t rest = value < 0 ? 0U - (uint32_t)value : (uint32_t)value;
    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0) text[--at] = '-';
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    if (file < 0) return;
    syscall(SYS_write, file, text + at, sizeof text - (unsigned)at);
    syscall(SYS_close, file);
}

IN_CHILD static void run_program(const struct cl_program *program, rlim_t hard_limit, int is_batch) {
    syscall(SYS_setsid);
    if (is_batch) {
        struct sched_param none = {0};
        syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &none);
    }
    if (program->oom_score_adjust >= -1000) write_number("/proc/self/oom_score_adj", program->oom_score_adjust);
    int executable = program->executable;
    if (executable == 3) {
        executable = (int)syscall(SYS_fcntl, executable, F_DUPFD_CLOEXEC, 4);
    }
    // dup3 refuses equal numbers; such a one only has to survive the exec.
    if (executable >= 0 && program->inherited == 3) {
        syscall(SYS_fcntl, 3, F_SETFD, 0);
    } else if (executable >= 0) {
        syscall(SYS_dup3, program->inherited, 3, 0);
    }
    // Without it (Linux 5.11) only what the caller itself inherited stays open.
    syscall(SYS_close_range, 4, ~0U, CLOSE_RANGE_CLOEXEC);
    if (program->open_files) {
        // After the descriptors: they may have numbers beyond this limit.
        struct rlimit limit = {.rlim_cur = program->open_files, .rlim_max = hard_limit};
        syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
    }
    syscall(SYS_execveat, executable, "", program->argv, program->envp, AT_EMPTY_PATH);
    if (program_error) *program_error = errno;
    syscall(SYS_exit_group, 127);
}

int cl_start_program(const struct cl_program *program, int *pidfd) {
    if (!program_error) {
        void *page = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page != MAP_FAILED) program_error = page;
    }
    if (program_error) *program_error = 0;
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    // As fork(2) does, with a pidfd, and without the handlers of libc: the child makes system calls only. The first three
    // arguments stand at the same places on x86-64 and arm64, the others are unused.
    int is_batch = cl_is_batch();
    long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, pidfd, NULL, 0);
    if (pid == 0) run_program(program, limit.rlim_max, is_batch);
    return (int)pid;
}

int cl_open_program(const char *path) { return open(path, O_PATH | O_CLOEXEC); }

int cl_execute(int executable, char *const *argv, char *const *envp) {
    int was_batch = cl_is_batch();
    cl_end_batch();
    int result = (int)syscall(SYS_execveat, executable, "", argv, envp, AT_EMPTY_PATH);
    if (was_batch) cl_begin_batch();
    return result;
}

int cl_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int cl_set_close_on_exec(int descriptor, int on) { return fcntl(descriptor, F_SETFD, on ? FD_CLOEXEC : 0); }

int cl_duplicate(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 4); }

int cl_peek_any(void) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT, NULL) < 0) return -1;
    return info.si_pid;
}
