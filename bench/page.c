/*
 * What the shared page costs a process: a fork, a start (exec), and the first lock, with a page in a file
 * (MAPSCOPE_PAGES) and without. The peer is the same without the folder. Linked as a user links.
 */
#include <mapscope/mutex.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "median.h"

enum { ROUNDS = 301 };

static double *first_lock_us; /* shared with the children */

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The first lock that is made known to the library brings the tables. */
static void child(void)
{
    msc_mutex mutex;
    double begin = now_us();
    msc_mutex_init(&mutex, "first");
    *first_lock_us = now_us() - begin;
    _exit(0);
}

static void measure_forks(const char *page)
{
    static double fork_us[ROUNDS], lock_us[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        double begin = now_us();
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
        fork_us[round] = now_us() - begin;
        pid = fork();
        if (pid == 0)
            child();
        waitpid(pid, NULL, 0);
        lock_us[round] = *first_lock_us;
    }
    printf("%-10s %-24s %9.1f\n%-10s %-24s %9.1f\n", page, "fork, _exit, wait (us)", median(fork_us, ROUNDS), page,
           "first lock (us)", median(lock_us, ROUNDS));
}

static void measure_starts(const char *self, const char *page)
{
    static double us[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        double begin = now_us();
        pid_t pid = vfork();
        if (pid == 0) {
            execl(self, self, "nothing", (char *)NULL);
            _exit(1);
        }
        waitpid(pid, NULL, 0);
        us[round] = now_us() - begin;
    }
    printf("%-10s %-24s %9.1f\n", page, "exec, exit, wait (us)", median(us, ROUNDS));
}

/* A page is decided on when the library is loaded: each variant is a process of its own. */
static int measure(const char *self, const char *page)
{
    first_lock_us = mmap(NULL, sizeof *first_lock_us, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (first_lock_us == MAP_FAILED)
        return EXIT_FAILURE;
    measure_forks(page);
    measure_starts(self, page);
    return EXIT_SUCCESS;
}

static int run(const char *self, const char *page)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        execl(self, self, page, (char *)NULL);
        _exit(1);
    }
    int status;
    return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    static const char self[] = "/proc/self/exe";
    if (argc > 1)
        return strcmp(argv[1], "nothing") ? measure(self, argv[1]) : EXIT_SUCCESS;
    char folder[] = "/tmp/mapscope-bench-XXXXXX", command[64];
    if (!mkdtemp(folder))
        return EXIT_FAILURE;
    unsetenv("MAPSCOPE_PAGES");
    int failed = run(self, "private");
    setenv("MAPSCOPE_PAGES", folder, 1);
    failed |= run(self, "file");
    snprintf(command, sizeof command, "rm -r %s", folder);
    return failed | system(command) ? EXIT_FAILURE : EXIT_SUCCESS;
}
