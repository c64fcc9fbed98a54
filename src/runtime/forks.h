/*
 * What a forked child is to forget of its parent: one atfork handler for all of the runtime.
 *
 *     __attribute__((constructor(101))) static void barrier_prepare(void)
 *     {
 *         static struct fork_handler handler = {.in_child = in_child};
 *         forks_at_child(&handler);
 *     }
 *
 * In a child handlers run in the order of their registration, and those of the program's libraries may unlock there
 * what theirs have locked before the fork. So ours has to be the first, or they would write into the parent's page.
 * Where hooks are preloaded their constructor calls forks_follow, which runs before all others (-z initfirst); else
 * whoever uses our locks is initialised after us.
 *
 * A leaf: allocates nothing, takes no lock. From constructors, before there is a second thread.
 */
#ifndef MSC_RUNTIME_FORKS_H
#define MSC_RUNTIME_FORKS_H

struct fork_handler {
    void (*in_child)(void);
    struct fork_handler *next; /* NULL at first */
};

/* In each child, after those that were added before. Borrowed for good. */
void forks_at_child(struct fork_handler *handler);

/* Registers with the C library, once. */
void forks_follow(void);

#endif
