/*
 * See stacks.h. Open addressing over ids; a slot keeps half of the hash, so that a probe of a foreign stack
 * seldom touches it. Return addresses live in an arena and never move.
 */
#include "model/stacks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"
#include "support/vec.h"

struct slot {
    uint32_t tag; /* upper half of the hash */
    stack_id id;  /* 0 = free */
};

/* A power of two. */
enum { RECENT = 1024 };

struct stacks {
    struct arena pcs;
    struct stack_view *views; /* by id - 1 */
    size_t count, capacity, cut_count;
    struct slot *slots;
    size_t slot_count;       /* power of two, at most half full */
    stack_id recent[RECENT]; /* by recent_of: most events have a stack that was there shortly before */
};

/* wyhash's mixer. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product =
        (unsigned __int128)(a ^ UINT64_C(0xa0761d6478bd642f)) * (b ^ UINT64_C(0xe7037ed1a0b428db));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Two addresses a multiplication, each with its place, none of which waits for another. */
static uint64_t hash_stack(uint32_t pid, const uint64_t *pcs, uint32_t count)
{
    uint64_t sum = 0, place = (uint64_t)pid << 32 | count;
    uint32_t i = 0;
    for (; i + 1 < count; i += 2, place += UINT64_C(0x9e3779b97f4a7c15))
        sum += mix(pcs[i] ^ place, pcs[i + 1]);
    if (i < count)
        sum += mix(pcs[i] ^ place, place);
    return mix(sum, place);
}

/* Calling memcmp costs more than most stacks have frames. */
static bool is_stack(const struct stack_view *view, uint32_t pid, const uint64_t *pcs, uint32_t count)
{
    if (view->pid != pid || view->count != count)
        return false;
    uint64_t difference = 0;
    for (uint32_t i = 0; i < count; i++)
        difference |= view->pcs[i] ^ pcs[i];
    return difference == 0;
}

/* The slot that holds the stack, or the free one where it belongs. */
static struct slot *find_slot(const struct stacks *stacks, uint64_t hash, uint32_t pid, const uint64_t *pcs,
                              uint32_t count)
{
    size_t mask = stacks->slot_count - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct slot *slot = &stacks->slots[i];
        if (!slot->id)
            return slot;
        if (slot->tag == (uint32_t)(hash >> 32) && is_stack(&stacks->views[slot->id - 1], pid, pcs, count))
            return slot;
    }
}

static int grow_slots(struct stacks *stacks)
{
    struct slot *old = stacks->slots;
    size_t slot_count = stacks->slot_count ? stacks->slot_count * 2 : 256;
    struct slot *slots = calloc(slot_count, sizeof *slots);
    if (!slots)
        return -ENOMEM;
    stacks->slots = slots;
    stacks->slot_count = slot_count;
    for (size_t i = 0; i < stacks->count; i++) {
        const struct stack_view *view = &stacks->views[i];
        uint64_t hash = hash_stack(view->pid, view->pcs, view->count);
        *find_slot(stacks, hash, view->pid, view->pcs, view->count) =
            (struct slot){.tag = (uint32_t)(hash >> 32), .id = (stack_id)i + 1};
    }
    free(old);
    return 0;
}

static int add_view(struct stacks *stacks, uint32_t pid, const uint64_t *pcs, uint32_t count, uint64_t time_ns)
{
    if (stacks->count >= UINT32_MAX)
        return -ENOMEM;
    int error = VEC_RESERVE(stacks->views, stacks->count, stacks->capacity, 1);
    if (error)
        return error;
    uint64_t *copy = arena_alloc(&stacks->pcs, count * sizeof *copy);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, pcs, count * sizeof *copy);
    stacks->views[stacks->count++] = (struct stack_view){.pid = pid, .first_ns = time_ns, .pcs = copy, .count = count};
    stacks->cut_count += pcs[count - 1] == STACK_CUT;
    return 0;
}

int stacks_create(struct stacks **out)
{
    struct stacks *stacks = calloc(1, sizeof *stacks);
    if (!stacks)
        return -ENOMEM;
    arena_init(&stacks->pcs);
    *out = stacks;
    return 0;
}

void stacks_destroy(struct stacks *stacks)
{
    if (!stacks)
        return;
    arena_fini(&stacks->pcs);
    free(stacks->views);
    free(stacks->slots);
    free(stacks);
}

/* What tells apart most stacks that are used by turns: who calls, from where in between, and how deep. */
static size_t recent_of(const uint64_t *pcs, uint32_t count)
{
    uint64_t hash = (pcs[0] + count) * UINT64_C(0x9e3779b97f4a7c15) ^ pcs[count / 2] * UINT64_C(0xe7037ed1a0b428db);
    return hash >> 40 & (RECENT - 1);
}

static int find_or_add(struct stacks *stacks, uint32_t pid, const uint64_t *pcs, uint32_t count, uint64_t time_ns,
                       stack_id *out)
{
    if ((stacks->count + 1) * 2 > stacks->slot_count) {
        int error = grow_slots(stacks);
        if (error)
            return error;
    }
    uint64_t hash = hash_stack(pid, pcs, count);
    struct slot *slot = find_slot(stacks, hash, pid, pcs, count);
    if (!slot->id) {
        int error = add_view(stacks, pid, pcs, count, time_ns);
        if (error)
            return error;
        *slot = (struct slot){.tag = (uint32_t)(hash >> 32), .id = (stack_id)stacks->count};
    }
    *out = slot->id;
    return 0;
}

int stacks_intern(struct stacks *stacks, uint32_t pid, const uint64_t *pcs, uint32_t count, uint64_t time_ns,
                  stack_id *out)
{
    if (count == 0) {
        *out = 0;
        return 0;
    }
    stack_id *recent = &stacks->recent[recent_of(pcs, count)];
    bool is_recent = *recent && is_stack(&stacks->views[*recent - 1], pid, pcs, count);
    int error = is_recent ? 0 : find_or_add(stacks, pid, pcs, count, time_ns, recent);
    if (!error)
        *out = *recent;
    return error;
}

struct stack_view stacks_get(const struct stacks *stacks, stack_id id)
{
    if (id == 0 || id > stacks->count)
        return (struct stack_view){0};
    return stacks->views[id - 1];
}

size_t stacks_count(const struct stacks *stacks)
{
    return stacks->count;
}

size_t stacks_count_cut(const struct stacks *stacks)
{
    return stacks->cut_count;
}
