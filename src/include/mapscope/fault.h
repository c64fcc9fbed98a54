/*
 * What happens when a map is misused: a policy for the whole process, and for maps that want one of their own.
 *
 *     static void report(void *user, const struct msc_fault *fault)
 *     {
 *         metrics_count(user, msc_fault_text(fault->kind));
 *     }
 *
 *     msc_map_on_fault(MSC_ON_FAULT_RECORD, NULL, NULL);      // the default: a map_fault event, -EBUSY
 *     msc_map_on_fault(MSC_ON_FAULT_CALL, report, metrics);   // the same, and report() is called
 *     msc_map_on_fault(MSC_ON_FAULT_ABORT, NULL, NULL);       // as Go does
 *
 *     // this map alone, whatever holds for the others:
 *     const struct msc_fault_response strict = {.policy = MSC_ON_FAULT_ABORT};
 *     struct msc_map_options options = {..., .on_fault = &strict};
 *
 * or MAPSCOPE_FAULT=abort | record in the environment, which the first call of msc_map_on_fault overrides. A map's own
 * policy stands above both; a map that is NULL has none.
 * Aborting looks like this, on stderr, and ends with abort():
 *
 *     fatal error: concurrent map writes
 *
 *     map "sessions" at 0x55d0c0ffee00, in thread 4711:
 *         /usr/bin/server(+0x1a2b) [0x55d0a0001a2b]
 *         ...
 *     thread 4712 entered the map from:
 *         /usr/bin/server(+0x1c2d) [0x55d0a0001c2d]
 *
 * (`addr2line -e /usr/bin/server -f -i 0x1a2a` names the line: the address before a return address.)
 *
 * Whatever the policy: what is caught on entry is not carried out and changes nothing. The offender gets
 * -EBUSY (another thread is writing), -EFAULT (assignment to a NULL map) or -EINVAL (unhashable key); a
 * look-up that has no error to return finds nothing.
 *
 * How it sees. A writer leaves its thread's id and its call site in the map while it is inside. Whoever
 * comes then, writer, reader or iteration, finds them: that costs a writer less than 1 ns (bench/guard), a
 * reader one load and a branch. What it cannot see:
 *
 * - two writers that enter within the same few nanoseconds, each before it can see the other. The one that
 *   leaves first mostly notices then, and it is reported, but both have written: the map may be damaged. Where
 *   that must not happen, MSC_GUARD_EXACT catches every second writer, for 1 to 9 ns a write;
 * - a reader that was inside before the writer came: readers leave no mark;
 * - whoever writes to an entry through a pointer that find, edit or an iteration gave out.
 *
 * So this finds bugs, it does not synchronise: the caller's lock does. A recorded trace sees more
 * (docs/misuse.md). With -DMAPSCOPE_MAP_GUARD=OFF the check of writers is compiled out.
 */
#ifndef MAPSCOPE_FAULT_H
#define MAPSCOPE_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include <mapscope/api.h>

MSC_BEGIN_DECLS

/* The numbers are those of the event (docs/events.md). */
enum msc_fault_kind {
    MSC_FAULT_CONCURRENT_WRITE = 1,
    MSC_FAULT_READ_WRITE = 2,
    MSC_FAULT_ITERATE_WRITE = 3,
    MSC_FAULT_NIL_MAP = 4,
    MSC_FAULT_UNHASHABLE = 5,
};

/* What happened, in Go's words: "concurrent map writes". Constant; "unknown fault" for another number. */
MSC_API const char *msc_fault_text(enum msc_fault_kind kind);

/* A caught misuse. Everything is borrowed for the call. */
struct msc_fault {
    size_t struct_size; /* of the library that calls: fields may be added at the end */
    enum msc_fault_kind kind;
    const void *map;        /* NULL for MSC_FAULT_NIL_MAP */
    const char *name;       /* of the map, never NULL */
    uint32_t tid;           /* the calling thread */
    uint32_t other_tid;     /* the thread inside the map; 0 = none, unknown. May be the caller's own, from a callback */
    const void *other_pc;   /* where that thread called in: a return address; NULL = unknown */
    const uintptr_t *stack; /* of the calling thread: return addresses, leaf first */
    size_t stack_count;
};

enum msc_fault_policy {
    MSC_ON_FAULT_RECORD = 0,
    MSC_ON_FAULT_CALL = 1,
    MSC_ON_FAULT_ABORT = 2,
};

/*
 * Called in the offending thread, inside its refused operation, with whatever locks the caller holds. It may use
 * maps, this one too; a fault within it is recorded and not reported to it again. Must not unwind.
 */
typedef void msc_fault_fn(void *user, const struct msc_fault *fault);

/* What is done about a misused map: msc_map_options.on_fault. */
struct msc_fault_response {
    enum msc_fault_policy policy;
    msc_fault_fn *fn; /* for MSC_ON_FAULT_CALL */
    void *user;
};

/*
 * Sets the policy of all maps that have none of their own. `fn` and `user` are for MSC_ON_FAULT_CALL. At any time, in
 * any thread; a fault that is being handled meanwhile may still follow the policy before. 0; -EINVAL: unknown policy,
 * or CALL without `fn`. Not for signal handlers.
 */
MSC_API int msc_map_on_fault(enum msc_fault_policy policy, msc_fault_fn *fn, void *user);

/* How hard a map looks for a second writer: msc_map_options.guard. */
enum msc_guard_mode {
    MSC_GUARD_BEST_EFFORT = 0, /* as Go: under 1 ns a write */
    MSC_GUARD_EXACT = 1,       /* always caught, before it does damage: 1 to 9 ns a write */
};

/* The mark that a writer leaves in a map. The library's own. */
struct msc_map_guard {
    const void *pc;  /* where the writer called in */
    uint32_t writer; /* its tid; 0 = nobody writes */
    uint32_t exact;  /* MSC_GUARD_EXACT */
};

MSC_END_DECLS

#endif
