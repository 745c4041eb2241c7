/* Files and pipes: what the workers' output needs. Prefix: cl_. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS; -1 with errno, ENOSYS where the kernel lacks it (Linux 5.6)
/// or a seccomp filter refuses it. In C because glibc has no wrapper and syscall is variadic.
int cl_open_beneath(int directory, const char *path, int flags, uint32_t mode);

/// splice(2) from a pipe to `position` of a file, without waiting for the pipe; a negative position is for descriptors
/// that have none. The bytes moved, 0 at the end of the pipe, -1 with errno. In C because splice is a GNU extension.
int64_t cl_splice(int pipe, int file, int64_t position, uint64_t count);

/// tee(2) without waiting: what is in the one pipe is in the other too. In C because tee is a GNU extension.
int64_t cl_tee(int from, int to, uint64_t count);

/// fcntl(2) with F_SETPIPE_SZ: the capacity that the pipe has now, -1 with errno. In C because the command is a GNU
/// extension, as the next one's.
int cl_set_pipe_capacity(int pipe, int bytes);

/// fcntl(2) with F_GETPIPE_SZ.
int cl_pipe_capacity(int pipe);

/// ioctl(2) with FIONREAD: the bytes that wait in a pipe, -1 with errno. In C because ioctl is variadic.
int cl_waiting_bytes(int pipe);

/// The magic number of the file system in which an open file lies (fstatfs(2)), 0 when it cannot be told. In C because Swift's
/// Glibc module has no sys/vfs.h.
uint64_t cl_file_system(int descriptor);

/// The same of a path.
uint64_t cl_file_system_of(const char *path);

/// statx(2) with STATX_BTIME: when a file was made. 1 with the time, 0 when its file system does not keep that, -1 with errno. In C
/// because statx is a GNU extension.
int cl_birth(const char *path, int64_t *seconds, uint32_t *nanoseconds);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
