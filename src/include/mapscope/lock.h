/* What all our locks have in common; not for use by itself. See mutex.h, rwlock.h and cond.h. */
#ifndef MAPSCOPE_LOCK_H
#define MAPSCOPE_LOCK_H

#include <stddef.h>
#include <stdint.h>

#include <mapscope/api.h>

/* Always inlined, so that a stack begins in the caller's own function. */
#define MSC_LOCK_INLINE static inline __attribute__((always_inline))

/* The first words of a contended lock's entry in the library's table. */
struct msc_contended {
    uint64_t word; /* 0 = nobody waits and no waiting is unaccounted for */
    uint32_t tell; /* not 0: the holder has something to tell at its release */
};

/* Yours to place, the library's to look into. Size and members may change until 1.0. */
struct msc_lock_id {
    uint64_t msc_holds;                        /* so far, if the lock counts them */
    const struct msc_contended *msc_contended; /* NULL = nobody ever waited */
    const char *msc_name;
    uint64_t msc_gen;
    uint32_t msc_entry, msc_counts;
};

/* 1: the program runs with MAPSCOPE_HOLD=1, so that each hold is timed. Constant once constructors have run. */
extern MSC_API int msc_lock_holds_timed;

/* clang-format off */
#define MSC_LOCK_ID_INITIALIZER(name, counts) {0, NULL, (name), 0, 0, (counts)}
/* clang-format on */

/* Does somebody wait for it, or is waiting unaccounted for? */
MSC_LOCK_INLINE int msc_lock_is_waited_for(const struct msc_lock_id *id)
{
    const struct msc_contended *contended = __atomic_load_n(&id->msc_contended, __ATOMIC_RELAXED);
    return __builtin_expect(contended != NULL, 0) && __atomic_load_n(&contended->word, __ATOMIC_RELAXED) != 0;
}

/* Has its exclusive holder something to settle or to tell? */
MSC_LOCK_INLINE int msc_lock_is_to_settle(const struct msc_lock_id *id)
{
    const struct msc_contended *contended = __atomic_load_n(&id->msc_contended, __ATOMIC_RELAXED);
    return __builtin_expect(contended != NULL, 0) && (__atomic_load_n(&contended->word, __ATOMIC_RELAXED) != 0 ||
                                                      __atomic_load_n(&contended->tell, __ATOMIC_RELAXED) != 0);
}

#endif
