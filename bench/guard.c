/*
 * What it costs a map to look for a second writer: none (compiled out), as Go does, and exactly; on a map that
 * lies in the cache, where it shows most. The variants take turns, so that a disturbance hits all.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/guard_run.h"
#include "median.h"

enum { ROUNDS = 101, VARIANTS = 5 };

int main(void)
{
    static const char *const names[VARIANTS] = {"write, compiled out", "write, best effort", "write, exact",
                                                "look-up, compiled out", "look-up, guarded"};
    static double ns[VARIANTS][ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        ns[0][round] = guard_run_unguarded(GUARD_WRITE, 0);
        ns[1][round] = guard_run_guarded(GUARD_WRITE, 0);
        ns[2][round] = guard_run_guarded(GUARD_WRITE, 1);
        ns[3][round] = guard_run_unguarded(GUARD_LOOK_UP, 0);
        ns[4][round] = guard_run_guarded(GUARD_LOOK_UP, 0);
    }
    printf("%-24s %10s %10s\n", "u64 map, 512 entries", "ns", "more");
    double base = 0;
    for (int variant = 0; variant < VARIANTS; variant++) {
        double middle = median(ns[variant], ROUNDS);
        if (variant == 0 || variant == 3)
            base = middle;
        printf("%-24s %10.2f %+10.2f\n", names[variant], middle, middle - base);
    }
    return 0;
}
