/*
 * What code that is compiled into a program asks of the tracer: is somebody listening, and is this key kept? For
 * mapscope/probe.h and mapscope/map_inline.h; not to be included by hand.
 *
 *     off       if (MSC_PROBE_IS_ON(ACCESS))                      one load, one branch
 *     sampled       ... msc_key_is_kept(&sampling, key, size)     a hash of the key's bytes, no call
 *     kept              ... the library's event
 *
 * In a shared library, and where the address of the variable comes from its global offset table, it is one load more.
 */
#ifndef MAPSCOPE_GATE_H
#define MAPSCOPE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mapscope/api.h>
#include <mapscope/hash.h>

MSC_BEGIN_DECLS

/*
 * Of what another thread may write meanwhile: no more than that the compiler reads it, once. Not __atomic_load_n, at
 * which GCC 12 forgets what it has loaded of the map before, so that a loop of look-ups loads it all again.
 */
#ifdef __SANITIZE_THREAD__
#define MSC_LOAD_RELAXED(lvalue) __atomic_load_n(&(lvalue), __ATOMIC_RELAXED)
#else
#define MSC_LOAD_RELAXED(lvalue) (*(const volatile __typeof__(lvalue) *)&(lvalue))
#endif

enum msc_probe_event {
    MSC_PROBE_ALLOC,
    MSC_PROBE_FREE,
    MSC_PROBE_GROW,
    MSC_PROBE_GROW_END,
    MSC_PROBE_ASSIGN,
    MSC_PROBE_ACCESS,
    MSC_PROBE_DELETE,
    MSC_PROBE_CLEAR,
    MSC_PROBE_ITER_BEGIN,
    MSC_PROBE_ITER_END,
    MSC_PROBE_EVENTS
};

/* One a kind of event; a tracer switches it on. A program that is linked with the library may hold the array. */
struct msc_probe_gate {
    unsigned char before[24];
    int on;
    unsigned char after[100];
};
extern MSC_API struct msc_probe_gate msc_probe_gates[MSC_PROBE_EVENTS];

#define MSC_PROBE_IS_ON(kind) __builtin_expect(MSC_LOAD_RELAXED(msc_probe_gates[MSC_PROBE_##kind].on) != 0, 0)

/*
 * Which keys a recording keeps: a key's identity in events is a hash of its bytes under the recording's seed, and
 * what that is before its last round decides, so that a key is kept, or not, in every map of every process.
 */
struct msc_key_sampling {
    const uint64_t *limit; /* up to it: 2^64 / rate; changes at any time */
    struct msc_hash_seed seed;
};

static inline bool msc_key_start_is_kept(const struct msc_key_sampling *sampling, uint64_t start)
{
    return start <= MSC_LOAD_RELAXED(*sampling->limit);
}

/* Up to 16 bytes: one multiplication. */
static inline bool msc_key_is_kept(const struct msc_key_sampling *sampling, const void *key, size_t size)
{
    return msc_key_start_is_kept(sampling, msc_hash_start(key, size, sampling->seed));
}

MSC_END_DECLS

#endif
