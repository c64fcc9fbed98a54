/* The libraries that the recorded program is started with, and the session daemon. */
#ifndef COLLECTOR_SESSION_PRELOAD_H
#define COLLECTOR_SESSION_PRELOAD_H

#include <stdbool.h>

#include "support/diag.h"

/*
 * What to put before LD_PRELOAD: libmapscope and libmapscope-lttng, found from where this program lies
 * (bin/ beside lib/), and LTTng's companion that follows forks; `with_locks` adds libmapscope-preload, which makes
 * the pthread locks of any program ours to measure. `*value` is to be freed. -ENOENT if it is not there,
 * -EINVAL if the path has a character that LD_PRELOAD cannot hold.
 */
int preload_find(bool with_locks, char **value, struct diag *diag);

/* As preload_find for a program in the folder `bin`. */
int preload_find_beside(const char *bin, bool with_locks, char **value, struct diag *diag);

/* For LD_PRELOAD of the session daemon (daemons/polls.c), to be freed. NULL if it is not there: it is slower then. */
char *preload_find_daemons(void);

#endif
