/* See lock_title.h. */
#include "collector/analyses/lock_title.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/user_leaf.h"

/* After the first function of the user's in the stack; NULL = none is known, or no memory. */
static char *title_after(const struct symbols *symbols, const struct stack_view *stack)
{
    char *title;
    if (stack->count == 0)
        return NULL;
    struct user_leaf leaf = user_leaf_find(symbols, stack);
    const struct symbol_location *location = symbols_resolve(symbols, stack->pid, stack->pcs[leaf.pc], stack->first_ns);
    if (!location->module || asprintf(&title, "unnamed in %s", location->frames[leaf.frame].function) < 0)
        return NULL;
    return title;
}

char *lock_title(const struct lock_title_input *input)
{
    if (input->name[0])
        return strdup(input->name);
    const char *object = symbols_object(input->symbols, input->pid, input->address, input->time_ns);
    if (object)
        return strdup(object);
    struct stack_view site = {
        .pid = input->pid, .first_ns = input->time_ns, .pcs = &input->site, .count = input->site ? 1 : 0};
    char *title = title_after(input->symbols, &site);
    if (!title)
        title = title_after(input->symbols, &input->stack);
    if (!title && asprintf(&title, "0x%" PRIx64, input->address) < 0)
        return NULL;
    return title;
}
