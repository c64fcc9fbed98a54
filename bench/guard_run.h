/* Writes and look-ups on a small map; built twice, with the check for a second writer and without (guard.c). */
#ifndef BENCH_GUARD_RUN_H
#define BENCH_GUARD_RUN_H

enum guard_operation { GUARD_WRITE, GUARD_LOOK_UP };

/* Nanoseconds an operation. `exact` = MSC_GUARD_EXACT. */
double guard_run_guarded(enum guard_operation operation, int exact);
double guard_run_unguarded(enum guard_operation operation, int exact);

#endif
