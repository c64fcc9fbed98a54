/* The operations on one entry: each checks for misuse, asks its gate, operates. All kinds of keys. */
#include <errno.h>

#include "mapscope/map_template.h"
#include "runtime/emit.h"
#include "runtime/map_entry.h"
#include "runtime/map_fault.h"
#include "runtime/map_guard.h"
#include "runtime/map_trace.h"
#include "runtime/stack.h"

/* Compiled into each public function for its kind of key alone. */
#define INLINE MSC_INLINE

/* ---- misuse ---- */

int map_refuse(const struct msc_map *map, enum msc_fault_kind kind, const struct map_key *key, uint32_t other_tid,
               const void *frame)
{
    struct map_fault fault = {.kind = kind, .other_tid = other_tid};
    if (key && kind != MSC_FAULT_UNHASHABLE)
        fault.key_id = map_key_id(map, key);
    if (map) {
        fault.map = map->identity.object;
        fault.map_gen = map->identity.generation;
        fault.name = map->name;
        fault.response = map->has_on_fault ? &map->on_fault : NULL;
        fault.other_pc = other_tid ? map_guard_seen_pc(&map->head.guard) : NULL;
    }
    return map_fault(&fault, frame);
}

/* The same for a key that is in registers until then. */
MAP_COLD static int refuse(const struct msc_map *map, enum msc_fault_kind kind, struct map_key key, uint32_t other_tid,
                           const void *frame)
{
    return map_refuse(map, kind, &key, other_tid, frame);
}

/* Becomes the writer of a map that is not NULL, or returns why not. `pc`: where the program called. */
INLINE int enter(struct msc_map *map, const struct map_key *key, const void *pc, const void *frame)
{
    if (MSC_UNLIKELY(!map_takes(map, key)))
        return refuse(map, MSC_FAULT_UNHASHABLE, *key, 0, frame);
    uint32_t other_tid = map_guard_enter(&map->head.guard, pc);
    if (MSC_UNLIKELY(other_tid))
        return refuse(map, MSC_FAULT_CONCURRENT_WRITE, *key, other_tid, frame);
    return 0;
}

INLINE void leave(struct msc_map *map, const struct map_key *key, const void *frame)
{
    if (MSC_UNLIKELY(!map_guard_leave(&map->head.guard)))
        refuse(map, MSC_FAULT_CONCURRENT_WRITE, *key, map_guard_seen(&map->head.guard), frame);
}

/* ---- the operations ---- */

/* As the writer, whom each of these leaves. */

INLINE int put_untraced(struct msc_map *map, const struct map_key *key, uint64_t hash, const void *value,
                        const void *frame)
{
    int error = map_put_here(map, key, hash, value);
    leave(map, key, frame);
    return error;
}

MAP_COLD static int put_traced(struct msc_map *map, struct map_key key, uint64_t hash, const void *value,
                               const void *frame)
{
    struct msc_ev_map_assign event;
    bool is_kept = map_key_is_kept(&map->type, &key);
    int error = is_kept ? map_put_described(map, &key, hash, value, &event) : map_put(map, &key, hash, value);
    leave(map, &key, frame);
    if (is_kept && !error)
        map_trace_assign(&event, &key, frame);
    return error;
}

INLINE int assign(struct msc_map *map, const struct map_key *key, const void *value, const void *pc, const void *frame)
{
    int error = enter(map, key, pc, frame);
    if (MSC_UNLIKELY(error))
        return error;
    if (msc_gate_on(MSC_EVENT_MAP_ASSIGN) && map_key_is_kept(&map->type, key))
        return put_traced(map, *key, map_hash(map, key), value, frame);
    return put_untraced(map, key, map_hash(map, key), value, frame);
}

INLINE int take_untraced(struct msc_map *map, const struct map_key *key, uint64_t hash, uint64_t version,
                         const void *frame)
{
    int error = map_erase_here(map, key, hash, version, NULL);
    leave(map, key, frame);
    return error;
}

MAP_COLD static int take_traced(struct msc_map *map, struct map_key key, uint64_t hash, uint64_t version,
                                const void *frame)
{
    struct msc_ev_map_op event;
    bool is_kept = map_key_is_kept(&map->type, &key);
    int error =
        is_kept ? map_erase_described(map, &key, hash, version, &event) : map_erase(map, &key, hash, version, NULL);
    leave(map, &key, frame);
    if (is_kept)
        map_trace_op(MSC_EVENT_MAP_DELETE, &event, frame);
    return error;
}

INLINE int erase(struct msc_map *map, const struct map_key *key, uint64_t version, const void *pc, const void *frame)
{
    int error = enter(map, key, pc, frame);
    if (MSC_UNLIKELY(error))
        return error;
    if (msc_gate_on(MSC_EVENT_MAP_DELETE) && map_key_is_kept(&map->type, key))
        return take_traced(map, *key, map_hash(map, key), version, frame);
    return take_untraced(map, key, map_hash(map, key), version, frame);
}

MAP_COLD static struct map_slot find_traced(const struct msc_map *map, struct map_key key, uint64_t hash)
{
    return map_find_traced(map, &key, hash);
}

INLINE int look_up(const struct msc_map *map, const struct map_key *key, struct map_slot *slot, const void *frame)
{
    slot->link.bucket = NULL;
    if (MSC_UNLIKELY(!map_takes(map, key)))
        return refuse(map, MSC_FAULT_UNHASHABLE, *key, 0, frame);
    uint32_t other_tid = map_guard_seen(&map->head.guard);
    if (MSC_UNLIKELY(other_tid))
        return refuse(map, MSC_FAULT_READ_WRITE, *key, other_tid, frame);
    uint64_t hash = map_hash(map, key);
    if (msc_gate_on(MSC_EVENT_MAP_ACCESS) && map_key_is_kept(&map->type, key))
        *slot = find_traced(map, *key, hash);
    else
        *slot = map_find(map, key, hash);
    return map_slot_is_there(*slot) ? 0 : -ENOENT;
}

INLINE void *find(const struct msc_map *map, const struct map_key *key, const void *frame)
{
    struct map_slot slot;
    look_up(map, key, &slot, frame);
    return map_slot_value(map, slot);
}

INLINE int load(const struct msc_map *map, const struct map_key *key, void *out, const void *frame)
{
    struct map_slot slot;
    int error = look_up(map, key, &slot, frame);
    if (!error && out)
        memcpy(out, map_slot_value(map, slot), map->layout.value_size);
    return error;
}

INLINE uint64_t version_of(const struct msc_map *map, const struct map_key *key, const void *frame)
{
    struct map_slot slot;
    look_up(map, key, &slot, frame);
    return map_slot_version(slot);
}

/* ---- public ---- */

#define PC() __builtin_return_address(0)

/* The functions for one kind of key: `PARAMETERS` are the key's, `KEY` is what they make. */
#define DEFINE_OPERATIONS(SUFFIX, PARAMETERS, KEY)                                                                     \
    const void *msc_map_find##SUFFIX(const struct msc_map *map, PARAMETERS)                                            \
    {                                                                                                                  \
        if (MSC_UNLIKELY(!map))                                                                                        \
            return NULL;                                                                                               \
        const struct map_key bound = KEY;                                                                              \
        return find(map, &bound, STACK_HERE());                                                                        \
    }                                                                                                                  \
    void *msc_map_edit##SUFFIX(struct msc_map *map, PARAMETERS)                                                        \
    {                                                                                                                  \
        if (MSC_UNLIKELY(!map))                                                                                        \
            return NULL;                                                                                               \
        const struct map_key bound = KEY;                                                                              \
        return find(map, &bound, STACK_HERE());                                                                        \
    }                                                                                                                  \
    int msc_map_load##SUFFIX(const struct msc_map *map, PARAMETERS, void *out)                                         \
    {                                                                                                                  \
        if (MSC_UNLIKELY(!map))                                                                                        \
            return -ENOENT;                                                                                            \
        const struct map_key bound = KEY;                                                                              \
        return load(map, &bound, out, STACK_HERE());                                                                   \
    }                                                                                                                  \
    uint64_t msc_map_version##SUFFIX(const struct msc_map *map, PARAMETERS)                                            \
    {                                                                                                                  \
        if (MSC_UNLIKELY(!map))                                                                                        \
            return 0;                                                                                                  \
        const struct map_key bound = KEY;                                                                              \
        return version_of(map, &bound, STACK_HERE());                                                                  \
    }                                                                                                                  \
    int msc_map_delete##SUFFIX(struct msc_map *map, PARAMETERS)                                                        \
    {                                                                                                                  \
        if (MSC_UNLIKELY(!map))                                                                                        \
            return -ENOENT;                                                                                            \
        const struct map_key bound = KEY;                                                                              \
        return erase(map, &bound, MAP_ANY_VERSION, PC(), STACK_HERE());                                                \
    }                                                                                                                  \
    int msc_map_delete_version##SUFFIX(struct msc_map *map, PARAMETERS, uint64_t version)                              \
    {                                                                                                                  \
        if (MSC_UNLIKELY(!map))                                                                                        \
            return -ENOENT;                                                                                            \
        const struct map_key bound = KEY;                                                                              \
        return erase(map, &bound, version, PC(), STACK_HERE());                                                        \
    }                                                                                                                  \
    int msc_map_assign##SUFFIX(struct msc_map *map, PARAMETERS, const void *value)

/* ... and the last one's body, since only here a NULL map has a key to report. */
#define ASSIGN(KEY, KEY_OF_NULL)                                                                                       \
    (MSC_LIKELY(map) ? assign(map, KEY, value, PC(), STACK_HERE())                                                     \
                     : map_refuse(NULL, MSC_FAULT_NIL_MAP, KEY_OF_NULL, 0, STACK_HERE()))

#define BYTES_PARAMETERS const void *key, size_t key_length

DEFINE_OPERATIONS(, const void *key, map_key_generic(map, key))
{
    struct map_key generic = map ? map_key_generic(map, key) : (struct map_key){0};
    return ASSIGN(&generic, NULL);
}

DEFINE_OPERATIONS(_u64, uint64_t key, map_key_u64(key))
{
    struct map_key number = map_key_u64(key);
    return ASSIGN(&number, &number);
}

DEFINE_OPERATIONS(_u32, uint32_t key, map_key_u32(key))
{
    struct map_key number = map_key_u32(key);
    return ASSIGN(&number, &number);
}

DEFINE_OPERATIONS(_ptr, const void *key, map_key_pointer(key))
{
    struct map_key pointer = map_key_pointer(key);
    return ASSIGN(&pointer, &pointer);
}

DEFINE_OPERATIONS(_bytes, BYTES_PARAMETERS, map_key_bytes(key, key_length))
{
    struct map_key bytes = map_key_bytes(key, key_length);
    return ASSIGN(&bytes, &bytes);
}

/* Those of typed maps: the program has asked the gate, and for the key. */

int msc_map_assign_hashed(struct msc_map *map, const void *key, uint64_t hash, const void *value, bool is_kept)
{
    if (MSC_UNLIKELY(!map))
        return map_refuse(NULL, MSC_FAULT_NIL_MAP, NULL, 0, STACK_HERE());
    struct map_key custom = map_key_custom(map, key);
    int error = enter(map, &custom, PC(), STACK_HERE());
    if (MSC_UNLIKELY(error))
        return error;
    return MSC_UNLIKELY(is_kept) ? put_traced(map, custom, hash, value, STACK_HERE())
                                 : put_untraced(map, &custom, hash, value, STACK_HERE());
}

int msc_map_delete_hashed(struct msc_map *map, const void *key, uint64_t hash, bool is_kept)
{
    if (MSC_UNLIKELY(!map))
        return -ENOENT;
    struct map_key custom = map_key_custom(map, key);
    int error = enter(map, &custom, PC(), STACK_HERE());
    if (MSC_UNLIKELY(error))
        return error;
    return MSC_UNLIKELY(is_kept) ? take_traced(map, custom, hash, MAP_ANY_VERSION, STACK_HERE())
                                 : take_untraced(map, &custom, hash, MAP_ANY_VERSION, STACK_HERE());
}

int msc_map_clear(struct msc_map *map)
{
    if (!map)
        return 0;
    uint32_t other_tid = map_guard_enter(&map->head.guard, PC());
    if (MSC_UNLIKELY(other_tid))
        return map_refuse(map, MSC_FAULT_CONCURRENT_WRITE, NULL, other_tid, STACK_HERE());
    struct msc_ev_map_op event;
    bool traced = msc_gate_on(MSC_EVENT_MAP_CLEAR);
    if (traced)
        map_erase_all_described(map, &event);
    else
        map_erase_all(map);
    leave(map, NULL, STACK_HERE());
    if (traced)
        map_trace_op(MSC_EVENT_MAP_CLEAR, &event, STACK_HERE());
    return 0;
}
