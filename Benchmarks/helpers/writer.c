// A worker that writes to standard output. With a number of mebibytes it writes so many, in lines of 100 bytes and pieces of
// 64 KiB, and reports as worker.c does before the first and after the last byte. With 0 it reports once and writes a line a
// second from then on.
//
// usage: writer SOCKET NUMBER MEBIBYTES

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 100, PIECE = 64 << 10 };

struct birth {
    uint32_t pid;
    uint32_t number;
    uint64_t nanoseconds;
};

static int descriptor;
static struct sockaddr_un reporter = {.sun_family = AF_UNIX};

static void report(uint32_t number) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct birth birth = {
        .pid = (uint32_t)getpid(),
        .number = number,
        .nanoseconds = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
    };
    if (sendto(descriptor, &birth, sizeof birth, 0, (struct sockaddr *)&reporter, sizeof reporter) < 0) {
        perror("writer: cannot report");
        exit(1);
    }
}

static void put(const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, count);
        if (written < 0 && errno != EINTR) {
            perror("writer: cannot write");
            exit(1);
        }
        if (written > 0) {
            bytes += written;
            count -= (size_t)written;
        }
    }
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: %s SOCKET NUMBER MEBIBYTES\n", arguments[0]);
        return 2;
    }
    snprintf(reporter.sun_path, sizeof reporter.sun_path, "%s", arguments[1]);
    uint32_t number = (uint32_t)atoi(arguments[2]);
    size_t left = (size_t)atoll(arguments[3]) << 20;
    descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    static char piece[PIECE];
    for (size_t index = 0; index < sizeof piece; index++) {
        piece[index] = index % LINE == LINE - 1 ? '\n' : (char)('a' + index % 26);
    }
    report(number);
    if (left == 0) {
        for (;;) {
            put(piece, LINE);
            sleep(1);
        }
    }
    while (left > 0) {
        size_t next = left < sizeof piece ? left : sizeof piece;
        put(piece, next);
        left -= next;
    }
    report(number);
    for (;;) {
        pause();
    }
}
