/*
 * Deferred cleanup: what a scope registers runs when the scope is left, last in first out.
 *
 *     int handle(struct server *server, const char *id)
 *     {
 *         MSC_SCOPE(request);                                  // closed on every way out
 *         struct buffer *buffer = buffer_create();
 *         int error = msc_defer(&request, buffer_release, buffer);
 *         if (error) {                                         // -ENOMEM: nothing was registered
 *             buffer_release(buffer);
 *             return error;
 *         }
 *         return answer(server, id, buffer);                   // then buffer_release(buffer) runs
 *     }
 *
 * Cleanup of a map's entry is told which entry it is about, so that a trace can show when it removed
 * somebody else's:
 *
 *     msc_defer_map_bytes(&request, drop_session, &job, server->sessions, id, strlen(id));
 *
 * And what a scope has gathered can be run later, on any thread:
 *
 *     struct msc_batch *batch;
 *     int error = msc_scope_handover(&request, &batch);
 *     ...
 *     msc_batch_run(batch);                                    // on the thread that cleans up
 *
 * All of it works the same with tracing off; then an action costs one store into the scope and one call.
 *
 * Threads: a scope belongs to the thread that opened it, a batch to whoever holds it. Not for signal
 * handlers. After fork the child has its own copy of every scope, and closing it runs its actions there too.
 * An action returns in the ordinary way: no longjmp, no exception, out of it.
 */
#ifndef MAPSCOPE_SCOPE_H
#define MAPSCOPE_SCOPE_H

#include <stddef.h>
#include <stdint.h>

#include <mapscope/api.h>

MSC_BEGIN_DECLS

struct msc_map;
struct msc_batch; /* opaque */

typedef void msc_defer_fn(void *arg);

/* A registered action. The runtime's own. */
struct msc_action {
    msc_defer_fn *fn;
    void *arg;
    uint64_t id;
    uint64_t map, map_gen, key_id, version; /* what it is about; 0 = not bound to a map */
};

/* Actions that a scope holds without allocating. */
#define MSC_SCOPE_INLINE 4

/* In caller's memory, not to be moved or copied while open. Its fields are the runtime's own. */
struct msc_scope {
    const char *name;
    uint64_t id;                /* 0 = not open */
    uint64_t outer;             /* the scope that was innermost before */
    struct msc_action *actions; /* NULL = they are in `inlined` */
    size_t count, capacity;
    struct msc_action inlined[MSC_SCOPE_INLINE];
};

/*
 * Declares and opens the scope `variable`, a local that is closed when its block is left: by its end,
 * return, break, goto; in C++, and in C with -fexceptions, also by an exception, pthread_exit or a cancellation. A
 * longjmp out of it leaves it open: its actions never run.
 */
#define MSC_SCOPE(variable)                                                                                            \
    struct msc_scope variable __attribute__((cleanup(msc_scope_close)));                                               \
    msc_scope_open(&variable, #variable)

/*
 * Opens a scope; it is now the thread's innermost one. Scopes of a thread are closed in the reverse order
 * of their opening. `name` is borrowed until the close; NULL = "".
 */
MSC_API void msc_scope_open(struct msc_scope *scope, const char *name);

/* Runs what is registered, also what the actions register in it meanwhile. A closed scope stays closed. */
MSC_API void msc_scope_close(struct msc_scope *scope);

/*
 * Registers fn(arg) to be run at the close. 0; -ENOMEM with the scope as it was (only beyond
 * MSC_SCOPE_INLINE actions); -EINVAL: the scope is not open, or no fn.
 */
MSC_API int msc_defer(struct msc_scope *scope, msc_defer_fn *fn, void *arg);

/*
 * The same, and tells the trace that the action is about this key of this map and the entry that it has
 * now, if any; what runs is not changed. Needs the right to read the map, as a look-up does; to the trace
 * it is none. `map` may be NULL. Also -EINVAL: another kind of key than the map's.
 */
MSC_API int msc_defer_map_u64(struct msc_scope *scope, msc_defer_fn *fn, void *arg, const struct msc_map *map,
                              uint64_t key);
MSC_API int msc_defer_map_bytes(struct msc_scope *scope, msc_defer_fn *fn, void *arg, const struct msc_map *map,
                                const void *key, size_t key_length);

/*
 * Moves the actions registered so far into a batch; the scope stays open, with none. 0 (`*batch` = NULL if
 * there were none), -EINVAL (not open), or -ENOMEM with the scope as it was.
 */
MSC_API int msc_scope_handover(struct msc_scope *scope, struct msc_batch **batch);

/* Runs the actions, last in first out, on this thread, and frees the batch. NULL is allowed. */
MSC_API void msc_batch_run(struct msc_batch *batch);

/* Frees the batch; its actions never run. NULL is allowed. */
MSC_API void msc_batch_drop(struct msc_batch *batch);

MSC_END_DECLS

#endif
