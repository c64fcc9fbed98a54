/* See linearizability.h. */
#include "runtime/linearizability.h"

#include <errno.h>
#include <stdlib.h>

/* A set of placed operations and the value that they left; 0 = none. */
struct state {
    uint64_t placed;
    uint64_t value;
};

struct search {
    const struct lin_op *ops;
    uint64_t all;
    struct state *seen; /* open addressing; placed 0 = empty (the start is never put in) */
    size_t seen_count, seen_size;
};

/* Whether the verb gives this result in this state; *next is the state behind it. */
static bool step(const struct lin_op *op, uint64_t value, uint64_t *next)
{
    bool there = value != 0;
    *next = value;
    switch (op->verb) {
    case LIN_LOAD:
        return there ? op->result == 0 && op->out == value : op->result == -ENOENT;
    case LIN_STORE:
        *next = op->value;
        return op->result == 0;
    case LIN_SWAP:
        *next = op->value;
        return there ? op->result == 1 && op->out == value : op->result == 0;
    case LIN_LOAD_OR_STORE:
        *next = there ? value : op->value;
        return there ? op->result == 1 && op->out == value : op->result == 0;
    case LIN_DELETE:
        *next = 0;
        return there ? op->result == 0 && op->out == value : op->result == -ENOENT;
    default:
        break;
    }
    bool equal = there && value == op->expected;
    if (equal)
        *next = op->verb == LIN_COMPARE_AND_SWAP ? op->value : 0;
    return op->result == (equal ? 0 : there ? -ESTALE : -ENOENT);
}

static uint64_t hash_state(struct state state)
{
    uint64_t hash = (state.placed ^ state.value * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd1342543de82ef95);
    return hash ^ hash >> 29;
}

/* False if it is there already. */
static bool put(struct state *table, size_t size, struct state state)
{
    size_t i = hash_state(state) & (size - 1);
    for (; table[i].placed; i = (i + 1) & (size - 1))
        if (table[i].placed == state.placed && table[i].value == state.value)
            return false;
    table[i] = state;
    return true;
}

static void make_room(struct search *search)
{
    if (search->seen_count * 2 < search->seen_size)
        return;
    size_t size = search->seen_size ? search->seen_size * 2 : 1024;
    struct state *larger = calloc(size, sizeof *larger);
    if (!larger)
        abort();
    for (size_t i = 0; i < search->seen_size; i++)
        if (search->seen[i].placed)
            put(larger, size, search->seen[i]);
    free(search->seen);
    search->seen = larger;
    search->seen_size = size;
}

static bool is_new(struct search *search, struct state state)
{
    make_room(search);
    bool new = put(search->seen, search->seen_size, state);
    search->seen_count += new;
    return new;
}

/* Can all operations that are not placed yet be placed behind this state? */
static bool place_rest(struct search *search, struct state at)
{
    if (at.placed == search->all)
        return true;
    uint64_t first_end = UINT64_MAX;
    for (uint64_t rest = search->all & ~at.placed; rest; rest &= rest - 1) {
        uint64_t end = search->ops[__builtin_ctzll(rest)].end;
        first_end = end < first_end ? end : first_end;
    }
    for (uint64_t rest = search->all & ~at.placed; rest; rest &= rest - 1) {
        const struct lin_op *op = &search->ops[__builtin_ctzll(rest)];
        struct state next = {.placed = at.placed | (rest & -rest)};
        if (op->begin < first_end && step(op, at.value, &next.value) && is_new(search, next) &&
            place_rest(search, next))
            return true;
    }
    return false;
}

bool lin_check(const struct lin_op *ops, size_t count)
{
    if (count > LIN_OPS_MAX)
        abort();
    struct search search = {.ops = ops, .all = count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1};
    bool linearizable = place_rest(&search, (struct state){0});
    free(search.seen);
    return linearizable;
}
