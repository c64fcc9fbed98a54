/*
 * What to call a lock: its name; else symbol+offset of its address, if that is a module's data; else after the
 * function that initialised it or where it was first contended; else its address.
 *
 *     "sessions"   "table_locks+0x40"   "server+0x4010" (stripped)   "unnamed in cache_new"   "0x7f12a0001c40"
 *
 * Locks made in one function share their title: a profile shows them as one.
 */
#ifndef COLLECTOR_ANALYSES_LOCK_TITLE_H
#define COLLECTOR_ANALYSES_LOCK_TITLE_H

#include <stdint.h>

#include "model/stacks.h"
#include "model/symbols.h"

struct lock_title_input {
    const struct symbols *symbols;
    uint32_t pid;
    uint64_t address;
    const char *name;        /* "" = none */
    uint64_t site;           /* where it was initialised, or first contended: a return address; 0 = unknown */
    struct stack_view stack; /* of its first contention; no pcs = unknown */
    uint64_t time_ns;        /* what was mapped then is looked up */
};

/* To be freed; NULL = no memory. */
char *lock_title(const struct lock_title_input *input);

#endif
