/*
 * Interned call stacks: (pid, return addresses) -> a dense id. The same stack is stored once.
 * Ids are 1.. in order of first use; 0 is the empty stack. Not thread-safe.
 */
#ifndef MODEL_STACKS_H
#define MODEL_STACKS_H

#include <stddef.h>
#include <stdint.h>

typedef uint32_t stack_id;

/* Outermost in a stack that does not reach the start of its thread (docs/events.md, "Stacks"). */
#define STACK_CUT UINT64_C(1)
#define STACK_CUT_NAME "[stack cut]" /* how it is shown */

struct stacks; /* opaque: model/stacks.c */

int stacks_create(struct stacks **out);
void stacks_destroy(struct stacks *stacks);

/* Returns the id in *out (0 for count 0); 0, or -ENOMEM. `time_ns` of the first use is kept for look-ups. */
int stacks_intern(struct stacks *stacks, uint32_t pid, const uint64_t *pcs, uint32_t count, uint64_t time_ns,
                  stack_id *out);

struct stack_view {
    uint32_t pid;
    uint64_t first_ns;   /* when it was first seen */
    const uint64_t *pcs; /* leaf first, return addresses */
    uint32_t count;
};

/* Borrowed until the next intern. An id that was never given out yields the empty stack. */
struct stack_view stacks_get(const struct stacks *stacks, stack_id id);
size_t stacks_count(const struct stacks *stacks);
size_t stacks_count_cut(const struct stacks *stacks); /* of them, those that end in STACK_CUT */

#endif
