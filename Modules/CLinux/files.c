#define _GNU_SOURCE
#include "clinux_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

// linux/openat2.h, which older headers lack.
struct open_how_v0 {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};
enum { resolve_no_symlinks = 0x04, resolve_beneath = 0x08 };

int cl_open_beneath(int directory, const char *path, int flags, uint32_t mode) {
    struct open_how_v0 how = {
        .flags = (uint64_t)(unsigned)flags,
        // A mode where nothing is created is EINVAL here.
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = resolve_beneath | resolve_no_symlinks,
    };
    // EAGAIN: something was renamed meanwhile, and the kernel cannot say that the path stayed beneath.
    for (int attempt = 0; attempt < 8; attempt++) {
        long result = syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (result >= 0 || (errno != EAGAIN && errno != EINTR)) return (int)result;
    }
    return -1;
}

int64_t cl_splice(int pipe, int file, int64_t position, uint64_t count) {
    off64_t offset = position;
    return splice(pipe, NULL, file, position < 0 ? NULL : &offset, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

int64_t cl_tee(int from, int to, uint64_t count) { return tee(from, to, count, SPLICE_F_NONBLOCK); }

int cl_set_pipe_capacity(int pipe, int bytes) { return fcntl(pipe, F_SETPIPE_SZ, bytes); }

int cl_pipe_capacity(int pipe) { return fcntl(pipe, F_GETPIPE_SZ); }

int cl_waiting_bytes(int pipe) {
    int count = 0;
    return ioctl(pipe, FIONREAD, &count) < 0 ? -1 : count;
}

uint64_t cl_file_system(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) < 0 ? 0 : (uint64_t)status.f_type;
}

uint64_t cl_file_system_of(const char *path) {
    struct statfs status;
    return statfs(path, &status) < 0 ? 0 : (uint64_t)status.f_type;
}

int cl_birth(const char *path, int64_t *seconds, uint32_t *nanoseconds) {
    struct statx status;
    if (statx(AT_FDCWD, path, 0, STATX_BTIME, &status) != 0) {
        return -1;
    }
    if (!(status.stx_mask & STATX_BTIME)) {
        return 0;
    }
    *seconds = status.stx_btime.tv_sec;
    *nanoseconds = status.stx_btime.tv_nsec;
    return 1;
}
