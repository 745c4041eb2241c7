// A worker that keeps a journal of its own life, so that somebody outside of the agent knows how each run ended.
//
// usage: worker KIND DIRECTORY
//
// It appends lines to DIRECTORY/journal, each with one write(2): `RUN_ID INSTANCE PID start`, and, just before it ends by
// itself, `... exit CODE` or `... signal NUMBER`. It holds a lock on DIRECTORY/INSTANCE.lock, which its children inherit;
// when the lock is taken, a run of the same instance is still there, and it writes `... twice`.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int journal = -1;
static char prefix[128];
static volatile sig_atomic_t told;

static void note(const char *what, int number) {
    char line[192];
    int length = snprintf(line, sizeof line, number < 0 ? "%s %s\n" : "%s %s %d\n", prefix, what, number);
    if (write(journal, line, (size_t)length) != length) {
        _exit(99);
    }
}

static void on_terminate(int number) {
    (void)number;
    told = 1;
}

static void rest(int milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    while (nanosleep(&time, &time) != 0 && errno == EINTR && !told) {
    }
}

static void leave(int code) {
    note("exit", code);
    _exit(code);
}

static void fall(int number) {
    signal(number, SIG_DFL);
    note("signal", number);
    raise(number);
    _exit(98);
}

int main(int count, char **arguments) {
    if (count != 3) {
        return 97;
    }
    const char *kind = arguments[1];
    const char *run = getenv("REEVE_RUN_ID"), *worker = getenv("REEVE_WORKER"), *instance = getenv("REEVE_INSTANCE");
    if (run == NULL || worker == NULL || instance == NULL || chdir(arguments[2]) != 0) {
        return 96;
    }
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    snprintf(prefix, sizeof prefix, "%s %s.%s %d", run, worker, instance, (int)getpid());
    journal = open("journal", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    char name[128];
    snprintf(name, sizeof name, "%s.%s.lock", worker, instance);
    int lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (journal < 0 || lock < 0) {
        return 95;
    }
    int taken = flock(lock, LOCK_EX | LOCK_NB);

    struct sigaction action = {.sa_handler = on_terminate};
    if (strcmp(kind, "polite") == 0 || strcmp(kind, "slow") == 0) {
        sigaction(SIGTERM, &action, NULL);
    } else if (strcmp(kind, "stubborn") == 0) {
        signal(SIGTERM, SIG_IGN);
    }
    note("start", -1);
    if (taken != 0) {
        note("twice", -1);
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    srand((unsigned)(now.tv_nsec ^ getpid()));
    int pause_time = 5 + rand() % 400;

    if (strcmp(kind, "polite") == 0 || strcmp(kind, "slow") == 0) {
        // sigsuspend, so that a signal between the look and the wait is not missed.
        sigset_t terminate, before;
        sigemptyset(&terminate);
        sigaddset(&terminate, SIGTERM);
        sigprocmask(SIG_BLOCK, &terminate, &before);
        while (!told) {
            sigsuspend(&before);
        }
        if (strcmp(kind, "slow") == 0) {
            rest(200);
            leave(3);
        }
        leave(0);
    } else if (strcmp(kind, "crasher") == 0) {
        rest(pause_time);
        leave(1 + rand() % 255);
    } else if (strcmp(kind, "job") == 0) {
        rest(pause_time);
        leave(0);
    } else if (strcmp(kind, "aborter") == 0) {
        static const int numbers[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGKILL};
        rest(pause_time);
        fall(numbers[rand() % 6]);
    } else if (strcmp(kind, "forker") == 0) {
        for (int child = 0; child < 3; child++) {
            if (fork() == 0) {
                if (child > 0) {
                    setsid();
                }
                for (;;) {
                    pause();
                }
            }
        }
        rest(pause_time);
        leave(7);
    }
    for (;;) {
        pause();
    }
}
