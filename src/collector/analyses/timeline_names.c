/*
 * See timeline_state.h: names that last. What an address means changes only when a module comes or
 * goes, so that names are remembered until then: an event has two of them, a program few.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_state.h"
#include "model/user_leaf.h"
#include "support/strtab.h"

const char *timeline_lasting_title(struct timeline_builder *timeline, const char *prefix, struct event_text name,
                                   uint64_t address)
{
    char *title = timeline_title(prefix, name, address);
    str_id id;
    int error = title ? strtab_intern(timeline->titles, title, strlen(title), &id) : -ENOMEM;
    free(title);
    return error ? NULL : strtab_text(timeline->titles, id);
}

/* Fibonacci hashing (Knuth, TAOCP 6.4): the upper bits of a product with 2^64 over the golden ratio. */
static struct timeline_function *place_of(struct timeline_builder *timeline, uint32_t pid, uint64_t return_address)
{
    uint64_t hash = (return_address + ((uint64_t)pid << 32)) * UINT64_C(0x9e3779b97f4a7c15);
    return &timeline->functions[hash >> (64 - TIMELINE_FUNCTIONS_LOG2)];
}

static const struct timeline_function *look_up(struct timeline_builder *timeline, uint32_t pid, uint64_t return_address)
{
    static const struct timeline_function unknown;
    const struct symbols *symbols = timeline->options.symbols;
    if (!symbols)
        return &unknown;
    struct timeline_function *known = place_of(timeline, pid, return_address);
    if (!known->name || known->pid != pid || known->return_address != return_address) {
        const struct symbol_location *location = symbols_resolve(symbols, pid, return_address, timeline->now_ns);
        *known = (struct timeline_function){.pid = pid,
                                            .return_address = return_address,
                                            .name = location->frames[0].function,
                                            .caller = location->frame_count > 1 ? location->frames[1].function : NULL};
    }
    return known;
}

const char *timeline_function(struct timeline_builder *timeline, uint32_t pid, uint64_t return_address)
{
    return look_up(timeline, pid, return_address)->name;
}

struct timeline_site timeline_site(struct timeline_builder *timeline, const struct event *event)
{
    struct timeline_site site = {0};
    if (!event->stack.count)
        return site;
    const struct timeline_function *function = look_up(timeline, event->pid, event->stack.pcs[0]);
    site = (struct timeline_site){.function = function->name, .caller = function->caller};
    if (!site.caller && event->stack.count > 1)
        site.caller = timeline_function(timeline, event->pid, event->stack.pcs[1]);
    return site;
}

struct timeline_site timeline_lock_site(const struct timeline_builder *timeline, const struct event *event)
{
    struct timeline_site site = {0};
    const struct symbols *symbols = timeline->options.symbols;
    if (!symbols || !event->stack.count)
        return site;
    struct stack_view stack = {
        .pid = event->pid, .first_ns = event->time_ns, .pcs = event->stack.pcs, .count = event->stack.count};
    struct user_leaf leaf = user_leaf_find(symbols, &stack);
    const struct symbol_location *location = symbols_resolve(symbols, event->pid, stack.pcs[leaf.pc], event->time_ns);
    site.function = location->frames[leaf.frame].function;
    if (leaf.frame + 1 < location->frame_count)
        site.caller = location->frames[leaf.frame + 1].function;
    else if (leaf.pc + 1 < stack.count)
        site.caller = symbols_resolve(symbols, event->pid, stack.pcs[leaf.pc + 1], event->time_ns)->frames[0].function;
    return site;
}

void timeline_arg_site(struct timeline_args *args, struct timeline_site site)
{
    timeline_arg_text(args, "function", site.function);
    timeline_arg_text(args, "caller", site.caller);
}

void timeline_forget_functions(struct timeline_builder *timeline)
{
    memset(timeline->functions, 0, sizeof timeline->functions);
}
