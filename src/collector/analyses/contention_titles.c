/* What to call a lock that has no name (contention.h, contention_view_name). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/contention.h"
#include "collector/analyses/contention_state.h"
#include "collector/analyses/lock_title.h"

struct naming {
    const struct stacks *stacks;
    const struct symbols *symbols;
    struct strtab *titles;
    uint64_t end_ns;
};

static stack_id earlier(stack_id first, const struct contention_site *sites, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sites[i].stack && (!first || sites[i].stack < first))
            first = sites[i].stack;
    return first;
}

/* Ids are given out in the order of first use. */
static struct stack_view first_stack(const struct naming *naming, const struct contention_lock *lock)
{
    stack_id first = earlier(0, lock->waiters, lock->waiter_count);
    first = earlier(first, lock->releasers, lock->releaser_count);
    first = earlier(first, lock->still_waiters, lock->still_waiter_count);
    return stacks_get(naming->stacks, earlier(first, lock->holds, lock->hold_count));
}

static int name_lock(const struct naming *naming, struct contention_lock *lock)
{
    struct lock_title_input input = {.symbols = naming->symbols,
                                     .pid = lock->pid,
                                     .address = lock->object.address,
                                     .name = lock->name,
                                     .site = lock->site,
                                     .stack = first_stack(naming, lock)};
    str_id id;
    input.time_ns = input.stack.count ? input.stack.first_ns : naming->end_ns;
    char *title = lock_title(&input);
    int error = title ? strtab_intern(naming->titles, title, strlen(title), &id) : -ENOMEM;
    if (!error)
        lock->title = strtab_text(naming->titles, id);
    free(title);
    return error;
}

static bool is_contended(const struct contention_lock *lock)
{
    return lock->releaser_count || lock->waiter_count || lock->still_waiter_count || lock->hold_count ||
           lock->handoff_ns || lock->still_held_ns;
}

int contention_view_name(struct contention_view *view, const struct stacks *stacks, const struct symbols *symbols,
                         uint64_t end_ns)
{
    struct contention_view_owner *owner = (struct contention_view_owner *)view;
    int error = owner->titles ? 0 : strtab_create(&owner->titles);
    struct naming naming = {.stacks = stacks, .symbols = symbols, .titles = owner->titles, .end_ns = end_ns};
    for (size_t i = 0; !error && i < view->lock_count; i++) {
        struct contention_lock *lock = &owner->locks[i];
        if (lock->name[0])
            lock->title = lock->name;
        else if (lock->object.address && is_contended(lock))
            error = name_lock(&naming, lock);
    }
    return error;
}
