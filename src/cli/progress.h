/* A progress line on stderr for work that takes over a second, if stderr is a terminal; and Ctrl-C. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "reading out/trace" */
    bool is_terminal, is_shown;
    uint64_t begin_ns, shown_ns;
};

/* A reader that goes away and a file that may not grow are errors of a write from then on, and kill no more. */
void progress_fail_writes(void);

/* Also makes SIGINT, SIGTERM and SIGHUP end the work in good order: progress_update then returns false. Twice kills. */
void progress_begin(struct progress *progress, const char *what);

/* `self` is the struct progress. False = the user wants to stop. */
bool progress_update(void *self, uint64_t done, uint64_t total);

/* Wipes the line. */
void progress_end(struct progress *progress);

#endif
