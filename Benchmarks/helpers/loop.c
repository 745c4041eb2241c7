// What a supervisor cannot do much better than: it waits for any child and spawns it again, and does nothing else. No
// record, no policy, no control, no look at what a run has left.
//
// usage: loop COUNT PROGRAM ARGUMENT...    starts PROGRAM ARGUMENT... NUMBER for each number below COUNT

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char **command;
static int length;

static pid_t start(int number) {
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    command[length] = text;
    pid_t pid;
    int error = posix_spawn(&pid, command[0], NULL, NULL, command, environ);
    if (error != 0) {
        fprintf(stderr, "loop: cannot start %s: %s\n", command[0], strerror(error));
        exit(1);
    }
    return pid;
}

int main(int count, char **arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: %s COUNT PROGRAM ARGUMENT...\n", arguments[0]);
        return 2;
    }
    int workers = atoi(arguments[1]);
    length = count - 2;
    command = calloc((size_t)length + 2, sizeof *command);
    pid_t *pids = calloc((size_t)workers, sizeof *pids);
    memcpy(command, arguments + 2, (size_t)length * sizeof *command);
    for (int number = 0; number < workers; number++) {
        pids[number] = start(number);
    }
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, 0);
        for (int number = 0; number < workers; number++) {
            if (pids[number] == ended) {
                pids[number] = start(number);
                break;
            }
        }
    }
}
