/*
 * The shared pages of a recording (base/page_layout.h, docs/page.md): DIR/pages/PID-BEGIN_NS.page, one file a
 * process, made by the processes themselves. Here: their folder, what is done to them when the recording ends,
 * and new settings for those that run.
 */
#ifndef COLLECTOR_SESSION_PAGES_H
#define COLLECTOR_SESSION_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/diag.h"

#define PAGES_NAME "pages"

/* Makes the folder, 0700, below the folder `at`. 0 or a negative errno. */
int pages_make(int at);

/*
 * When the recording ends: takes away the pages that say nothing (no lock was contended, or made known), and
 * writes `now_ns` as the end of each process that is gone without having said so itself.
 */
void pages_settle(int at, uint64_t now_ns);

/* New rates; what is not given stays. */
struct pages_settings {
    bool has_fraction, has_rate, has_map_rate, has_off;
    uint64_t mutex_fraction, mutex_rate_ns;
    uint32_t map_rate;
    bool off;
};

/*
 * Puts `settings` in force in one process (`target` is its number) or in each one that runs and has a page in the
 * recording `target`. A process that starts a program afterwards hands it the settings of the recording's beginning,
 * one that forks its own. With the fraction alone, or the rate alone, what `mapscope record` makes of it.
 * *count: how many. -ESRCH: none.
 */
int pages_set(const char *target, const struct pages_settings *settings, size_t *count, struct diag *diag);

#endif
