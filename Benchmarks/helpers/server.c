// What the control server cannot do much better than: libmicrohttpd with its own epoll thread, and one answer that never
// changes, of as many bytes as asked for.
//
// usage: server PORT BYTES

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct MHD_Response *response;
static int second_call;

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state) {
    (void)context, (void)url, (void)method, (void)version, (void)data, (void)size;
    // A response queued in the first call, before the request was read, closes the connection.
    if (*state == NULL) {
        *state = &second_call;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: %s PORT BYTES\n", arguments[0]);
        return 2;
    }
    size_t bytes = (size_t)atoll(arguments[2]);
    char *body = malloc(bytes);
    memset(body, 'x', bytes);
    response = MHD_create_response_from_buffer(bytes, body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");

    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(arguments[1])),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL,
                                                 MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "server: cannot listen on port %s\n", arguments[1]);
        return 1;
    }
    for (;;) {
        pause();
    }
}
