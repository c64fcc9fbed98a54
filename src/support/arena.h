/* Memory that is freed all at once. Blocks never move. Not thread-safe. */
#ifndef SUPPORT_ARENA_H
#define SUPPORT_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks;
};

void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);

/* `size` bytes, uninitialised, aligned for any type; NULL when memory is out. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of `length` bytes with a NUL behind it, or NULL. */
char *arena_copy(struct arena *arena, const char *bytes, size_t length);

#endif
