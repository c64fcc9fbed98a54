/*
 * Reads a trace folder with our reader, as convert does before it makes anything of it: decode and merge, or
 * decode alone. Every field of our own events is decoded into a struct event, none is looked at: as babeltrace2's
 * sink.utils.dummy has it. Or runs a peer, to compare with.
 *
 *     ctf_read [--unordered] FOLDER           prints: events, CPU nanoseconds an event, on one thread
 *     ctf_read --threads FOLDER               prints: events, nanoseconds an event by the clock, on all cores
 *     ctf_read --peer FOLDER COMMAND...       prints: events, the command's CPU nanoseconds an event of FOLDER
 *
 * Both are medians of several runs.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/decode.h"

enum { RUNS = 5 };

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void plan_all(void *self, const struct ctf_event_class *class, struct ctf_plan *plan)
{
    (void)self;
    decode_plan(EVENT_SET_ALL, class, plan);
}

/* Nanoseconds of one pass; 0 = failed. */
static uint64_t measure(const char *folder, const struct ctf_options *options, uint64_t *events)
{
    clockid_t clock = options->threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
    struct ctf_reader *reader;
    const struct ctf_entry *const *all;
    size_t count;
    uint64_t start = clock_ns(clock), sum = 0;
    int state = ctf_open(folder, options, NULL, &reader);
    if (state)
        return 0;
    while ((state = ctf_next_many(reader, &all, &count)) == 1)
        for (size_t i = 0; i < count; i++)
            sum += all[i]->time_ns;
    *events = ctf_losses(reader).events;
    ctf_close(reader);
    __asm__ volatile("" : : "r"(sum)); /* or the sums would be left out */
    return state == 0 ? clock_ns(clock) - start : 0;
}

/* CPU nanoseconds of a command, without its output; 0 = failed. */
static uint64_t measure_command(char **command)
{
    struct rusage usage;
    int status;
    pid_t pid = fork();
    if (pid < 0)
        return 0;
    if (pid == 0) {
        if (freopen("/dev/null", "w", stdout))
            execvp(command[0], command);
        _exit(127);
    }
    if (wait4(pid, &status, 0, &usage) != pid || status != 0)
        return 0;
    uint64_t seconds = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
    return seconds * 1000000000 + (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

struct arguments {
    const char *folder;
    struct ctf_options options;
    char **peer; /* NULL = our reader */
};

static bool parse(int argc, char **argv, struct arguments *out)
{
    bool unordered = argc == 3 && strcmp(argv[1], "--unordered") == 0;
    bool threads = argc == 3 && strcmp(argv[1], "--threads") == 0;
    bool peer = argc > 3 && strcmp(argv[1], "--peer") == 0;
    *out = (struct arguments){.folder = argv[peer || unordered || threads ? 2 : 1],
                              .options = {.plan = plan_all, .unordered = unordered, .threads = threads ? 0 : 1},
                              .peer = peer ? argv + 3 : NULL};
    return argc == 2 || unordered || threads || peer;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    if (!parse(argc, argv, &arguments)) {
        fprintf(stderr, "usage: ctf_read [--unordered | --threads | --peer] FOLDER [COMMAND...]\n");
        return 2;
    }
    uint64_t runs[RUNS], events = 0;
    if (!measure(arguments.folder, &arguments.options, &events) || !events) {
        fprintf(stderr, "ctf_read: cannot read %s\n", arguments.folder);
        return 1;
    }
    for (int i = 0; i < RUNS; i++) {
        runs[i] =
            arguments.peer ? measure_command(arguments.peer) : measure(arguments.folder, &arguments.options, &events);
        if (!runs[i]) {
            fprintf(stderr, "ctf_read: %s failed\n", arguments.peer ? arguments.peer[0] : "reading");
            return 1;
        }
    }
    qsort(runs, RUNS, sizeof runs[0], by_value);
    printf("%" PRIu64 " %.1f\n", events, (double)runs[RUNS / 2] / (double)events);
    return 0;
}
