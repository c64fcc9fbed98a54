/*
 * A map was misused: tells the tracer, then does what the user's policy says. See mapscope/fault.h.
 *
 * Any thread, within an operation of the map. Cold. With MSC_ON_FAULT_ABORT it does not return; it then uses
 * nothing but write(2), readlink(2) and glibc's lock-free look-up of modules.
 */
#ifndef MSC_RUNTIME_MAP_FAULT_H
#define MSC_RUNTIME_MAP_FAULT_H

#include <stdbool.h>

#include "mapscope/fault.h"

struct map_fault {
    enum msc_fault_kind kind;
    const void *map; /* NULL for MSC_FAULT_NIL_MAP */
    uint64_t map_gen;
    const char *name; /* NULL = "" */
    uint64_t key_id;  /* 0 = none, or not to be hashed */
    uint32_t other_tid;
    const void *other_pc;
    const struct msc_fault_response *response; /* the map's own; NULL = that of all maps */
};

/* Whether it is complete: a known policy, and CALL with a function. */
bool map_fault_is_response(const struct msc_fault_response *response);

/* `frame` is the STACK_HERE() of the public function. Returns its error: -EBUSY, -EFAULT or -EINVAL. */
__attribute__((cold, noinline)) int map_fault(const struct map_fault *fault, const void *frame);

/* Writes what a dying program says of the fault; 2 = stderr. Async-signal-safe. */
void map_fault_print(int fd, const struct msc_fault *fault);

#endif
