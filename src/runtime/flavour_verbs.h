/*
 * The public verbs of a flavour: macros that define functions which hand a struct flavour_op to the flavour's apply.
 *
 *     FLAVOUR_LOAD_AND_STORE(rwmap)   msc_rwmap_load and _store: rwmap_load_word, rwmap_store_word where keys are words
 *     FLAVOUR_VERBS(rwmap)            the others about one key: rwmap_apply; rwmap_get for what nobody traces
 *     FLAVOUR_ENTRIES(rwmap)          rwmap_entries
 *
 * Macros, so that a stack begins in the public function and the op never leaves the registers where nobody traces.
 */
#ifndef MSC_RUNTIME_FLAVOUR_VERBS_H
#define MSC_RUNTIME_FLAVOUR_VERBS_H

#include "runtime/flavour.h"
#include "runtime/stack.h"

/* Carries `op` out on an object that begins with its struct flavour. Into each public function, for its verb. */
static inline __attribute__((always_inline)) int flavour_look_up(struct flavour *flavour, const void *key,
                                                                 struct flavour_op *op, flavour_apply_fn *untraced,
                                                                 flavour_apply_fn *traced, const void *frame)
{
    if (__builtin_expect(!flavour, 0))
        return -EINVAL;
    int error = flavour_key(flavour, key, &op->key);
    if (__builtin_expect(error, 0))
        return error;
    if (__builtin_expect(flavour_traced(op->verb), 0))
        return flavour_run_traced(flavour, op, traced, frame);
    return untraced(flavour, op);
}

static inline __attribute__((always_inline)) int
flavour_run(struct flavour *flavour, const void *key, struct flavour_op *op, flavour_apply_fn *apply, const void *frame)
{
    return flavour_look_up(flavour, key, op, apply, apply, frame);
}

/* Defines <map>_entries. */
#define FLAVOUR_ENTRIES(map)                                                                                           \
    static uint64_t map##_entries(struct flavour *flavour)                                                             \
    {                                                                                                                  \
        return msc_##map##_count((struct msc_##map *)flavour);                                                         \
    }

/*
 * Loads and stores by a word that nobody traces, which most of all calls are: without a struct flavour_op, whose
 * filling and reading takes as long as the rest. To be asked first, with the gate of the verb.
 */
static inline bool flavour_takes_word(const struct flavour *flavour, const void *key, enum msc_event gate)
{
    return MSC_LIKELY(flavour && key) && flavour->has_word_keys && !msc_gate_on(gate);
}

/* Defines load and store of `struct msc_<map>` by way of `<map>_load_word` and `<map>_store_word`, or as below. */
#define FLAVOUR_LOAD_AND_STORE(map)                                                                                    \
    int msc_##map##_load(struct msc_##map *self, const void *key, void *out)                                           \
    {                                                                                                                  \
        if (flavour_takes_word((struct flavour *)self, key, MSC_EVENT_MAP_ACCESS))                                     \
            return map##_load_word(self, *(const uint64_t *)key, out);                                                 \
        struct flavour_op op = {.verb = VERB_LOAD, .out = out};                                                        \
        return flavour_look_up((struct flavour *)self, key, &op, map##_get, map##_apply, STACK_HERE());                \
    }                                                                                                                  \
    int msc_##map##_store(struct msc_##map *self, const void *key, const void *value)                                  \
    {                                                                                                                  \
        if (flavour_takes_word((struct flavour *)self, key, MSC_EVENT_MAP_ASSIGN))                                     \
            return map##_store_word(self, *(const uint64_t *)key, value);                                              \
        struct flavour_op op = {.verb = VERB_STORE, .value = value};                                                   \
        return flavour_run((struct flavour *)self, key, &op, map##_apply, STACK_HERE());                               \
    }

/* Defines the other verbs about one key by way of `<map>_apply`, and `<map>_get` for look-ups that nobody traces. */
#define FLAVOUR_VERBS(map)                                                                                             \
    int msc_##map##_load_version(struct msc_##map *self, const void *key, void *out, uint64_t *version)                \
    {                                                                                                                  \
        struct flavour_op op = {.verb = VERB_LOAD, .out = out, .wants_version = true};                                 \
        int error = flavour_look_up((struct flavour *)self, key, &op, map##_get, map##_apply, STACK_HERE());           \
        if (!error)                                                                                                    \
            *version = op.version;                                                                                     \
        return error;                                                                                                  \
    }                                                                                                                  \
    int msc_##map##_swap(struct msc_##map *self, const void *key, const void *value, void *out)                        \
    {                                                                                                                  \
        struct flavour_op op = {.verb = VERB_STORE, .value = value, .out = out};                                       \
        int error = flavour_run((struct flavour *)self, key, &op, map##_apply, STACK_HERE());                          \
        return error ? error : op.was_there;                                                                           \
    }                                                                                                                  \
    int msc_##map##_load_or_store(struct msc_##map *self, const void *key, const void *value, void *out)               \
    {                                                                                                                  \
        struct flavour_op op = {.verb = VERB_LOAD_OR_STORE, .value = value, .out = out};                               \
        int error = flavour_run((struct flavour *)self, key, &op, map##_apply, STACK_HERE());                          \
        return error ? error : op.was_there;                                                                           \
    }                                                                                                                  \
    int msc_##map##_load_and_delete(struct msc_##map *self, const void *key, void *out)                                \
    {                                                                                                                  \
        struct flavour_op op = {.verb = VERB_DELETE, .out = out};                                                      \
        return flavour_run((struct flavour *)self, key, &op, map##_apply, STACK_HERE());                               \
    }                                                                                                                  \
    int msc_##map##_delete(struct msc_##map *self, const void *key)                                                    \
    {                                                                                                                  \
        struct flavour_op op = {.verb = VERB_DELETE};                                                                  \
        return flavour_run((struct flavour *)self, key, &op, map##_apply, STACK_HERE());                               \
    }                                                                                                                  \
    int msc_##map##_compare_and_swap(struct msc_##map *self, const void *key, const void *expected, const void *value) \
    {                                                                                                                  \
        struct flavour_op op = {.verb = VERB_COMPARE_AND_SWAP, .expected = expected, .value = value};                  \
        return flavour_run((struct flavour *)self, key, &op, map##_apply, STACK_HERE());                               \
    }                                                                                                                  \
    int msc_##map##_compare_and_delete(struct msc_##map *self, const void *key, const void *expected)                  \
    {                                                                                                                  \
        struct flavour_op op = {.verb = VERB_COMPARE_AND_DELETE, .expected = expected};                                \
        return flavour_run((struct flavour *)self, key, &op, map##_apply, STACK_HERE());                               \
    }                                                                                                                  \
    int msc_##map##_store_version(struct msc_##map *self, const void *key, uint64_t version, const void *value)        \
    {                                                                                                                  \
        struct flavour_op op = {.verb = VERB_STORE_VERSION, .expected_version = version, .value = value};              \
        return flavour_run((struct flavour *)self, key, &op, map##_apply, STACK_HERE());                               \
    }                                                                                                                  \
    int msc_##map##_delete_version(struct msc_##map *self, const void *key, uint64_t version)                          \
    {                                                                                                                  \
        struct flavour_op op = {.verb = VERB_DELETE_VERSION, .expected_version = version};                             \
        return flavour_run((struct flavour *)self, key, &op, map##_apply, STACK_HERE());                               \
    }

#endif
