/*
 * See timeline_parts.h: names that last. What an address means changes only when a module comes or
 * goes, so that names are remembered until then: an event has two of them, a program few.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_parts.h"
#include "model/user_leaf.h"
#include "support/strtab.h"

/* Who is where: both last, so that their addresses stand for them. */
struct names {
    const char *function, *caller; /* the caller may be NULL */
};

void timeline_names_init(struct timeline_builder *timeline)
{
    hashmap_init(&timeline->sites, sizeof(struct names), sizeof(const char *));
}

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
static size_t place_of(uint32_t pid, uint64_t address)
{
    uint64_t hash = (address + ((uint64_t)pid << 32)) * UINT64_C(0x9e3779b97f4a7c15);
    return hash >> (64 - TIMELINE_FUNCTIONS_LOG2);
}

const char *timeline_function(struct timeline_builder *timeline, uint32_t pid, uint64_t return_address)
{
    const struct symbols *symbols = timeline->options.symbols;
    if (!symbols)
        return NULL;
    struct timeline_function *known = &timeline->functions[place_of(pid, return_address)];
    if (!known->name || known->pid != pid || known->return_address != return_address) {
        const struct symbol_location *location = symbols_resolve(symbols, pid, return_address, timeline->now_ns);
        *known = (struct timeline_function){
            .pid = pid, .return_address = return_address, .name = location->frames[0].function};
    }
    return known->name;
}

/* "work <- thread_main"; of equal pairs there is one. */
static int join(struct timeline_builder *timeline, const struct names *names, const char **out)
{
    bool is_new;
    char *text;
    str_id id;
    const char **site = hashmap_put(&timeline->sites, names, &is_new);
    if (!site || (is_new && asprintf(&text, "%s <- %s", names->function, names->caller) < 0))
        return -ENOMEM;
    if (is_new) {
        int error = strtab_intern(timeline->titles, text, strlen(text), &id);
        free(text);
        if (error)
            return error;
        *site = strtab_text(timeline->titles, id);
    }
    *out = *site;
    return 0;
}

static int site_at(struct timeline_builder *timeline, const struct stack_view *stack, struct user_leaf leaf,
                   const char **out)
{
    const struct symbols *symbols = timeline->options.symbols;
    const struct symbol_location *at = symbols_resolve(symbols, stack->pid, stack->pcs[leaf.pc], stack->first_ns);
    struct names names = {.function = at->frames[leaf.frame].function};
    if (leaf.frame + 1 < at->frame_count)
        names.caller = at->frames[leaf.frame + 1].function;
    else if (leaf.pc + 1 < stack->count)
        names.caller =
            symbols_resolve(symbols, stack->pid, stack->pcs[leaf.pc + 1], stack->first_ns)->frames[0].function;
    *out = names.function;
    return names.caller ? join(timeline, &names, out) : 0;
}

static struct stack_view stack_of(const struct event *event)
{
    return (struct stack_view){
        .pid = event->pid, .first_ns = event->time_ns, .pcs = event->stack.pcs, .count = event->stack.count};
}

int timeline_site(struct timeline_builder *timeline, const struct event *event, const char **out)
{
    const struct event_stack *stack = &event->stack;
    *out = NULL;
    if (!timeline->options.symbols || !stack->count)
        return 0;
    uint64_t caller = stack->count > 1 ? stack->pcs[1] : 0;
    struct timeline_call *known = &timeline->calls[place_of(event->pid, stack->pcs[0] ^ caller << 16)];
    int error = 0;
    if (!known->site || known->pid != event->pid || known->pcs[0] != stack->pcs[0] || known->pcs[1] != caller) {
        struct stack_view view = stack_of(event);
        *known = (struct timeline_call){.pid = event->pid, .pcs = {stack->pcs[0], caller}};
        error = site_at(timeline, &view, (struct user_leaf){0}, &known->site);
    }
    *out = known->site;
    return error;
}

int timeline_lock_site(struct timeline_builder *timeline, const struct event *event, const char **out)
{
    *out = NULL;
    if (!timeline->options.symbols || !event->stack.count)
        return 0;
    struct stack_view view = stack_of(event);
    return site_at(timeline, &view, user_leaf_find(timeline->options.symbols, &view), out);
}

void timeline_forget_functions(struct timeline_builder *timeline)
{
    memset(timeline->functions, 0, sizeof timeline->functions);
    memset(timeline->calls, 0, sizeof timeline->calls);
}
