// A worker that reports its birth: pid, number and CLOCK_MONOTONIC in nanoseconds at the begin of main(), in one datagram
// to a Unix socket; then it sleeps until it is killed. Linked statically, so that next to nothing comes before main().
//
// usage: worker SOCKET NUMBER

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct birth {
    uint32_t pid;
    uint32_t number;
    uint64_t nanoseconds;
};

int main(int count, char **arguments) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (count != 3) {
        fprintf(stderr, "usage: %s SOCKET NUMBER\n", arguments[0]);
        return 2;
    }
    struct birth birth = {
        .pid = (uint32_t)getpid(),
        .number = (uint32_t)atoi(arguments[2]),
        .nanoseconds = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
    };
    struct sockaddr_un reporter = {.sun_family = AF_UNIX};
    snprintf(reporter.sun_path, sizeof reporter.sun_path, "%s", arguments[1]);
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sendto(descriptor, &birth, sizeof birth, 0, (struct sockaddr *)&reporter, sizeof reporter) < 0) {
        perror("worker: cannot report");
        return 1;
    }
    close(descriptor);
    for (;;) {
        pause();
    }
}
