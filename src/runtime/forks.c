/* See forks.h. */
#include "runtime/forks.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

static struct fork_handler *first;

static void in_child(void)
{
    for (struct fork_handler *handler = first; handler; handler = handler->next)
        handler->in_child();
}

void forks_follow(void)
{
    static bool is_followed;
    if (!is_followed)
        pthread_atfork(NULL, NULL, in_child);
    is_followed = true;
}

void forks_at_child(struct fork_handler *handler)
{
    struct fork_handler **end = &first;
    while (*end)
        end = &(*end)->next;
    *end = handler;
    forks_follow();
}
