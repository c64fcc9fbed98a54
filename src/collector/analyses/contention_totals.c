/*
 * Exact totals of locks, from what is told of them when they end and now and then before (contention_state.h).
 *
 * The runtime counts from the beginning of the process. A recording may begin later: then the first round of the
 * inventory in its trace is what the locks had cost before, and nothing that is said of totals includes that.
 */
#include <errno.h>

#include "collector/analyses/contention_state.h"

struct contention_totals contention_totals_told(const struct event_lock_totals *from)
{
    return (struct contention_totals){from->ops,        from->contentions, from->wait_ns, from->charge_ns,
                                      from->handoff_ns, from->max_ns,      from->dropped};
}

static void raise_to(uint64_t *value, uint64_t other)
{
    if (other > *value)
        *value = other;
}

void contention_totals_raise(struct contention_totals *totals, const struct contention_totals *other)
{
    raise_to(&totals->ops, other->ops);
    raise_to(&totals->contentions, other->contentions);
    raise_to(&totals->wait_ns, other->wait_ns);
    raise_to(&totals->charge_ns, other->charge_ns);
    raise_to(&totals->handoff_ns, other->handoff_ns);
    raise_to(&totals->max_ns, other->max_ns);
    raise_to(&totals->dropped, other->dropped);
}

int contention_totals_round(struct contention *contention, uint32_t pid, uint32_t round)
{
    bool is_new;
    struct contention_rounds *rounds = hashmap_put(&contention->rounds, &pid, &is_new);
    if (!rounds)
        return -ENOMEM;
    if (is_new || round < rounds->first)
        rounds->first = round;
    if (round > rounds->last)
        rounds->last = round;
    return 0;
}

void contention_totals_begin(struct contention_lock_state *lock, const struct event_lock_totals *inventory)
{
    if (lock->round && lock->round <= inventory->round)
        return;
    lock->round = inventory->round;
    lock->beginning = contention_totals_told(inventory);
}

static uint64_t less(uint64_t value, uint64_t before)
{
    return value > before ? value - before : 0;
}

/* The longest wait is one of the recording's if it is longer than all before; else the longest that was recorded. */
static struct contention_totals difference(const struct contention_lock_state *lock)
{
    const struct contention_totals *end = &lock->totals, *beginning = &lock->beginning;
    return (struct contention_totals){
        .ops = less(end->ops, beginning->ops),
        .contentions = less(end->contentions, beginning->contentions),
        .wait_ns = less(end->wait_ns, beginning->wait_ns),
        .charge_ns = less(end->charge_ns, beginning->charge_ns),
        .handoff_ns = less(end->handoff_ns, beginning->handoff_ns),
        .max_ns = end->max_ns > beginning->max_ns ? end->max_ns : lock->max_wait_ns,
        .dropped = less(end->dropped, beginning->dropped),
    };
}

bool contention_totals_of(const struct contention *contention, uint32_t pid, const struct contention_lock_state *lock,
                          struct contention_totals *out)
{
    const struct contention_rounds *rounds = hashmap_find(&contention->rounds, &pid);
    bool is_known = lock->has_totals || (rounds && rounds->last > rounds->first);
    *out = (struct contention_totals){0};
    if (is_known)
        *out = rounds && lock->round == rounds->first ? difference(lock) : lock->totals;
    return is_known;
}
