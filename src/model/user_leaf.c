/*
 * See user_leaf.h. Two rules, leaf first:
 *
 *     settle                 a lock function calls no user code: it and all below it goes
 *     msc_mutex_unlock       <- lock function
 *     msc_shard_put          what follows of ours, or of C++'s locks, goes too: msc_*, libmapscope*.so, std::mutex
 *     cache_put              <- the user's leaf
 *     msc_scope_close        further out nothing is ours to hide: this one called the user's clean-up
 */
#include "model/user_leaf.h"

#include <stdbool.h>
#include <string.h>

enum { LOOK_PCS = 8 }; /* no path through a lock is deeper */

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool starts_with_any(const char *text, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (starts_with(text, *prefixes))
            return true;
    return false;
}

static bool is_lock_function(const struct symbol_frame *frame)
{
    static const char *const prefixes[] = {
        "msc_mutex_",    "msc_rwlock_",   "msc_cond_", "pthread_mutex_", "pthread_rwlock_",
        "pthread_spin_", "pthread_cond_", "mtx_",      "cnd_",           NULL};
    return starts_with_any(frame->function, prefixes);
}

/* What C++ has around them, mostly inlined into the user's function. */
static bool is_wrapper(const struct symbol_frame *frame)
{
    static const char *const prefixes[] = {"__gthread_",
                                           "std::mutex::",
                                           "std::timed_mutex::",
                                           "std::recursive_mutex::",
                                           "std::recursive_timed_mutex::",
                                           "std::shared_mutex::",
                                           "std::shared_timed_mutex::",
                                           "std::__shared_mutex_pthread::",
                                           "std::__glibcxx_rwlock_",
                                           "std::__timed_mutex_impl<",
                                           "std::lock_guard<",
                                           "std::unique_lock<",
                                           "std::shared_lock<",
                                           "std::scoped_lock<",
                                           "std::condition_variable::",
                                           "std::condition_variable_any::",
                                           "std::__condvar::",
                                           NULL};
    return starts_with_any(frame->function, prefixes);
}

static bool is_ours(const struct symbol_location *location, const struct symbol_frame *frame)
{
    if (starts_with(frame->function, "msc_") || is_lock_function(frame) || is_wrapper(frame))
        return true;
    if (!location->module)
        return false;
    const char *slash = strrchr(location->module->path, '/');
    return starts_with(slash ? slash + 1 : location->module->path, "libmapscope");
}

static const struct symbol_location *location_at(const struct symbols *symbols, const struct stack_view *stack,
                                                 uint32_t pc)
{
    return symbols_resolve(symbols, stack->pid, stack->pcs[pc], stack->first_ns);
}

/* The first frame of a lock function: ours itself, so that what follows cuts it. {0, 0} = there is none. */
static struct user_leaf find_lock_function(const struct symbols *symbols, const struct stack_view *stack)
{
    for (uint32_t pc = 0; pc < stack->count && pc < LOOK_PCS; pc++) {
        const struct symbol_location *location = location_at(symbols, stack, pc);
        for (uint32_t frame = 0; frame < location->frame_count; frame++)
            if (is_lock_function(&location->frames[frame]))
                return (struct user_leaf){pc, frame};
    }
    return (struct user_leaf){0, 0};
}

struct user_leaf user_leaf_find(const struct symbols *symbols, const struct stack_view *stack)
{
    struct user_leaf leaf = find_lock_function(symbols, stack);
    for (; leaf.pc < stack->count; leaf = (struct user_leaf){leaf.pc + 1, 0}) {
        const struct symbol_location *location = location_at(symbols, stack, leaf.pc);
        for (; leaf.frame < location->frame_count; leaf.frame++)
            if (!is_ours(location, &location->frames[leaf.frame]))
                return leaf;
    }
    return (struct user_leaf){0, 0};
}
