/*
 * The maps in a core, as gdb sees them: runs gdb with share/mapscope/mapscope_gdb.py and reads what it prints.
 */
#ifndef COLLECTOR_CORE_MAPS_H
#define COLLECTOR_CORE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/diag.h"

/* A map to look at. `flavor`: docs/events.md, Values; 0 to 5. */
struct core_request {
    uint64_t address;
    uint32_t flavor;
};

/* One map in the core. */
struct core_map {
    uint64_t address, generation;
    bool is_readable; /* else nothing but the address is known */
    uint64_t count, seq, writer;
    bool has_buckets; /* one array of them, or two while it grows: */
    uint64_t B;
    bool is_growing;
};

struct core_maps {
    uint64_t pid; /* of the process that left the core */
    struct core_map *items;
    size_t count, capacity;
};

/*
 * Looks at `count` maps. Returns 0; -ENOENT (no gdb, or no script beside mapscope), -EIO (gdb cannot read the
 * core, or says nothing), -ENOMEM, with the cause in `diag`; then there is nothing to free.
 */
int core_maps_read(const char *program, const char *core, const struct core_request *requests, size_t count,
                   struct core_maps *out, struct diag *diag);
void core_maps_fini(struct core_maps *maps);

#endif
