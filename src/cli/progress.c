/* See progress.h. */
#include "cli/progress.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const uint64_t patience_ns = UINT64_C(1000000000);
static const uint64_t interval_ns = UINT64_C(100000000);

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Unless whoever started us has it ignored (nohup, a script's background job). */
static void handle(const int *numbers, size_t count, struct sigaction action)
{
    for (size_t i = 0; i < count; i++) {
        struct sigaction found;
        if (sigaction(numbers[i], NULL, &found) == 0 && found.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
}

void progress_fail_writes(void)
{
    static const int numbers[] = {SIGPIPE, SIGXFSZ};
    handle(numbers, sizeof numbers / sizeof *numbers, (struct sigaction){.sa_handler = SIG_IGN});
}

void progress_begin(struct progress *progress, const char *what)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    handle(numbers, sizeof numbers / sizeof *numbers,
           (struct sigaction){.sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND});
    *progress = (struct progress){.what = what, .is_terminal = isatty(STDERR_FILENO) == 1, .begin_ns = now_ns()};
}

bool progress_update(void *self, uint64_t done, uint64_t total)
{
    struct progress *progress = self;
    uint64_t now = now_ns();
    if (progress->is_terminal && now - progress->begin_ns > patience_ns && now - progress->shown_ns > interval_ns) {
        uint64_t percent = total ? done * 100 / total : 100;
        fprintf(stderr, "\r%s: %" PRIu64 " %%", progress->what, percent);
        progress->is_shown = true;
        progress->shown_ns = now;
    }
    return !interrupted;
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}
