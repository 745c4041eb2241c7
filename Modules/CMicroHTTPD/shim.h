/* libmicrohttpd as Swift can use it. Prefix: cmhd_.
 *
 * In C because the library's functions are variadic where it matters, and because its enumerations are closed in Swift: a
 * value that a later libmicrohttpd.so adds would be an invalid one there. So every enumeration is an int here. */
#pragma once

#include <microhttpd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#pragma clang assume_nonnull begin

/// What the daemon calls, all on the thread that calls cmhd_run or cmhd_add. `context` is what `opened` returned for the
/// connection. The struct stays where it is for as long as the daemon lives.
struct cmhd_callbacks {
    void *owner;
    /// A connection that was added begins, in cmhd_add or (some versions) in a later cmhd_run; returns its context.
    void *(*opened)(void *owner, struct MHD_Connection *connection, int descriptor);
    /// The last call for a connection; its descriptor is still open.
    void (*closed)(void *owner, void *context);
    /// A request line was read. `target` is as the client sent it, NULL where there was none.
    void (*request_line)(void *owner, void *context, const char *_Nullable target);
    /// The header was read (first call, no data), a part of the body (`size` > 0), all of it (no data again).
    /// Returns 0 to close the connection.
    int (*request)(void *owner, void *context, const char *method, const char *version, const void *_Nullable data,
                   size_t size);
    /// The request is over, answered or not.
    void (*completed)(void *owner, void *context);
    /// A response made by cmhd_create_stream may go on: writes at most `size` bytes of its body, and returns how many;
    /// 0 when there are none, after MHD_suspend_connection; or one of the CMHD_STREAM_ values.
    ssize_t (*content)(void *owner, void *context, void *buffer, size_t size);
    /// A line of the library's log.
    void (*log)(void *owner, const char *text);
};

/// A header field, in the connection's memory; valid during the `request` callback.
struct cmhd_field {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
};

/// The state of cmhd_fields.
struct cmhd_field_list {
    struct cmhd_field *fields;
    int capacity;
    int count;
};

static void *cmhd_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void cmhd_on_connection(void *cls, struct MHD_Connection *connection, void *_Nullable *_Nonnull context,
                               enum MHD_ConnectionNotificationCode code) {
    struct cmhd_callbacks *callbacks = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = callbacks->opened(callbacks->owner, connection, info ? info->connect_fd : -1);
    } else if (code == MHD_CONNECTION_NOTIFY_CLOSED && *context) {
        callbacks->closed(callbacks->owner, *context);
        *context = NULL;
    }
}

static void *_Nullable cmhd_on_request_line(void *cls, const char *_Nullable target, struct MHD_Connection *connection) {
    struct cmhd_callbacks *callbacks = cls;
    void *context = cmhd_context(connection);
    if (context) callbacks->request_line(callbacks->owner, context, target);
    return context;
}

static enum MHD_Result cmhd_on_request(void *cls, struct MHD_Connection *connection, const char *_Nullable url,
                                       const char *method, const char *version, const char *_Nullable data,
                                       size_t *size, void *_Nullable *_Nonnull state) {
    struct cmhd_callbacks *callbacks = cls;
    void *context = cmhd_context(connection);
    (void)url;
    (void)state;
    if (!context) return MHD_NO;
    size_t count = *size;
    *size = 0;
    return callbacks->request(callbacks->owner, context, method, version, data, count) ? MHD_YES : MHD_NO;
}

static void cmhd_on_completed(void *cls, struct MHD_Connection *connection, void *_Nullable *_Nonnull state,
                              enum MHD_RequestTerminationCode code) {
    struct cmhd_callbacks *callbacks = cls;
    void *context = cmhd_context(connection);
    (void)state;
    (void)code;
    if (context) callbacks->completed(callbacks->owner, context);
}

static void cmhd_on_log(void *cls, const char *format, va_list arguments) {
    struct cmhd_callbacks *callbacks = cls;
    char text[512];
    if (vsnprintf(text, sizeof text, format, arguments) >= 0) callbacks->log(callbacks->owner, text);
}

/// Leaves targets and their arguments as they came: they are decoded once, by whoever looks at them.
static size_t cmhd_do_not_unescape(void *_Nullable cls, struct MHD_Connection *connection, char *text) {
    (void)cls;
    (void)connection;
    return strlen(text);
}

static void cmhd_on_panic(void *_Nullable cls, const char *_Nullable file, unsigned int line,
                          const char *_Nullable reason) {
    char text[512];
    int length = snprintf(text, sizeof text, "libmicrohttpd: %s:%u: %s\n", file ? file : "?", line,
                          reason ? reason : "it cannot go on");
    (void)cls;
    if (length > 0) {
        size_t count = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
        if (write(STDERR_FILENO, text, count) < 0) abort();
    }
    abort();
}

/// Whether the library that runs (not the header it was compiled with) parses as leniently as 0.9.x does.
static inline int cmhd_is_lenient(void) { return strncmp(MHD_get_version(), "0.", 2) == 0; }

/// MHD_USE_NO_THREAD_SAFETY of 0.9.77.07 and later: one thread calls everything, so no locks, and no descriptor that
/// wakes the daemon.
#define CMHD_USE_NO_THREAD_SAFETY (1u << 19)

/// A daemon without threads and without a listening socket, driven by cmhd_run; NULL when it cannot start.
///
/// Not MHD_USE_TURBO: it closes without shutdown(2), so that a client would wait for the end of its connection for as long
/// as a child that was just cloned holds a copy of the descriptor. The connection timeout stays off, because it is one of
/// idleness only; the deadlines are the caller's. Strictness: 0.9.x answers its own refusals twice when it is strict; 1.x
/// does not, and then refuses bare line feeds, folded lines and NUL.
static inline struct MHD_Daemon *_Nullable cmhd_start(struct cmhd_callbacks *callbacks, unsigned int connections,
                                                      size_t memory) {
    unsigned int flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (!cmhd_is_lenient()) flags |= CMHD_USE_NO_THREAD_SAFETY;
    MHD_set_panic_func(&cmhd_on_panic, NULL);
    return MHD_start_daemon(flags, 0, NULL, NULL, &cmhd_on_request, callbacks,
                            MHD_OPTION_EXTERNAL_LOGGER, &cmhd_on_log, callbacks,
                            MHD_OPTION_STRICT_FOR_CLIENT, cmhd_is_lenient() ? 0 : 1,
                            MHD_OPTION_NOTIFY_CONNECTION, &cmhd_on_connection, callbacks,
                            MHD_OPTION_NOTIFY_COMPLETED, &cmhd_on_completed, callbacks,
                            MHD_OPTION_URI_LOG_CALLBACK, &cmhd_on_request_line, callbacks,
                            MHD_OPTION_UNESCAPE_CALLBACK, &cmhd_do_not_unescape, NULL,
                            MHD_OPTION_CONNECTION_LIMIT, connections,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
                            MHD_OPTION_END);
}

/// The descriptor to wait on; -1 where there is none.
static inline int cmhd_epoll_descriptor(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

/// Does all that can be done without waiting.
static inline void cmhd_run(struct MHD_Daemon *daemon) { (void)MHD_run(daemon); }

/// Whether something can be done although no descriptor is ready.
static inline int cmhd_is_pending(struct MHD_Daemon *daemon) {
    MHD_UNSIGNED_LONG_LONG timeout = 0;
    return MHD_get_timeout(daemon, &timeout) == MHD_YES && timeout == 0;
}

/// accept4(2), close-on-exec and non-blocking; a system call because its declaration is a GNU extension.
static inline int cmhd_accept(int listener, struct sockaddr_storage *address, socklen_t *length) {
    return (int)syscall(SYS_accept4, listener, address, length, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/// Gives an accepted descriptor to the daemon, which closes it, also when this fails (0).
static inline int cmhd_add(struct MHD_Daemon *daemon, int descriptor, const struct sockaddr_storage *address,
                           socklen_t length) {
    return MHD_add_connection(daemon, descriptor, (const struct sockaddr *)address, length) == MHD_YES;
}

static enum MHD_Result cmhd_on_field(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_length,
                                     const char *_Nullable value, size_t value_length) {
    struct cmhd_field_list *list = cls;
    (void)kind;
    if (list->count < list->capacity) {
        struct cmhd_field field = {name, name_length, value ? value : name + name_length, value ? value_length : 0};
        list->fields[list->count] = field;
    }
    list->count++;
    return MHD_YES;
}

/// Writes the header's fields, in the order of the client, at most `capacity`; returns how many there are.
static inline int cmhd_fields(struct MHD_Connection *connection, struct cmhd_field *fields, int capacity) {
    struct cmhd_field_list list = {fields, capacity, 0};
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, &cmhd_on_field, &list);
    return list.count;
}

/// The number of bytes from the request line to the empty line, both included; 0 where it is not known.
static inline size_t cmhd_header_size(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info ? info->header_size : 0;
}

/// A response with a copy of `bytes`; NULL without memory.
static inline struct MHD_Response *_Nullable cmhd_create_response(const void *_Nullable bytes, size_t count) {
    return MHD_create_response_from_buffer(count, (void *)bytes, MHD_RESPMEM_MUST_COPY);
}

/// Results of `content`: the body ends here; the connection ends here.
#define CMHD_STREAM_END ((ssize_t)-1)
#define CMHD_STREAM_ABORT ((ssize_t)-2)

/// The size of the buffer that a response from a callback has of its own; only HTTP/1.0 uses it, without chunks.
#define CMHD_STREAM_BLOCK 1024

/// What a streamed response calls for its body.
struct cmhd_stream {
    struct cmhd_callbacks *callbacks;
    void *context;
};

static ssize_t cmhd_on_content(void *cls, uint64_t position, char *buffer, size_t size) {
    struct cmhd_stream *stream = cls;
    (void)position;
    return stream->callbacks->content(stream->callbacks->owner, stream->context, buffer, size);
}

static void cmhd_free_stream(void *_Nullable cls) { free(cls); }

/// A response whose body comes from `content`, for the one connection with this context; NULL without memory. Chunked,
/// or with HTTP/1.0 until the connection ends. For HEAD `header_only` ends the connection as well: 0.9.75 would send the
/// last chunk of a body that is not there.
static inline struct MHD_Response *_Nullable cmhd_create_stream(struct cmhd_callbacks *callbacks, void *context,
                                                                int header_only) {
    struct cmhd_stream *stream = malloc(sizeof *stream);
    if (!stream) return NULL;
    stream->callbacks = callbacks;
    stream->context = context;
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, CMHD_STREAM_BLOCK, &cmhd_on_content, stream, &cmhd_free_stream);
    if (!response) free(stream);
    if (response && header_only) {
        (void)MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    }
    return response;
}

/// Lets a TCP connection end when the other side has acknowledged nothing for so long; TCP_USER_TIMEOUT of tcp(7), by
/// number because its header does not go together with that of the kernel.
static inline void cmhd_limit_silence(int descriptor, unsigned int milliseconds) {
    (void)setsockopt(descriptor, 6, 18, &milliseconds, sizeof milliseconds);
}

/// 0 for a name or value that no header can have.
static inline int cmhd_add_header(struct MHD_Response *response, const char *name, const char *value) {
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

/// 0 when the request has its response already.
static inline int cmhd_queue(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response) {
    return MHD_queue_response(connection, status, response) == MHD_YES;
}

#pragma clang assume_nonnull end
