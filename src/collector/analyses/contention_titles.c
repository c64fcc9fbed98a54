/* What to call a lock that has no name (contention.h, contention_view_name). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/contention.h"
#include "collector/analyses/contention_state.h"
#include "model/user_leaf.h"

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
    return stacks_get(naming->stacks, earlier(first, lock->holds, lock->hold_count));
}

/* "made in FUNCTION", to be freed; NULL = it is not known, or no memory. */
static char *init_title(const struct naming *naming, const struct contention_lock *lock)
{
    char *title;
    if (!lock->site)
        return NULL;
    const struct symbol_location *location = symbols_resolve(naming->symbols, lock->pid, lock->site, naming->end_ns);
    const char *function = location->frames[0].function;
    return location->module && asprintf(&title, "made in %s", function) >= 0 ? title : NULL;
}

/* "used in FUNCTION", to be freed; NULL as above. */
static char *use_title(const struct naming *naming, const struct stack_view *stack)
{
    char *title;
    if (stack->count == 0)
        return NULL;
    struct user_leaf leaf = user_leaf_find(naming->symbols, stack);
    const struct symbol_location *location =
        symbols_resolve(naming->symbols, stack->pid, stack->pcs[leaf.pc], stack->first_ns);
    const char *function = location->frames[leaf.frame].function;
    return location->module && asprintf(&title, "used in %s", function) >= 0 ? title : NULL;
}

/* To be freed; NULL = no memory. */
static char *title_of(const struct naming *naming, const struct contention_lock *lock)
{
    struct stack_view stack = first_stack(naming, lock);
    uint64_t time_ns = stack.count ? stack.first_ns : naming->end_ns;
    const char *object = symbols_object(naming->symbols, lock->pid, lock->object.address, time_ns);
    char *title = object ? strdup(object) : init_title(naming, lock);
    if (!title)
        title = use_title(naming, &stack);
    if (!title && asprintf(&title, "0x%" PRIx64, lock->object.address) < 0)
        return NULL;
    return title;
}

static int name_lock(const struct naming *naming, struct contention_lock *lock)
{
    str_id id;
    char *title = title_of(naming, lock);
    int error = title ? strtab_intern(naming->titles, title, strlen(title), &id) : -ENOMEM;
    if (!error)
        lock->title = strtab_text(naming->titles, id);
    free(title);
    return error;
}

static bool is_contended(const struct contention_lock *lock)
{
    return lock->releaser_count || lock->waiter_count || lock->hold_count || lock->handoff_ns;
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
