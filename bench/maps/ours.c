/* msc_map by its typed look-up, compiled into the loop. With MSC_TRACE=0, tracing compiled out. usage: [COUNT
 * [off|on|sampled]] */
#include <mapscope/map_template.h>
#include <string.h>

#include "runtime/config.h"
#include "runtime/emit.h"

#include "peer.h"

static inline uint64_t key16_hash(const struct key16 *key, struct msc_hash_seed seed)
{
    return msc_hash_bucket_pair(key->a, key->b, seed);
}

static inline bool key16_equal(const struct key16 *key, const struct key16 *other)
{
    return (key->a == other->a) & (key->b == other->b);
}

#define DEFINE(NAME, KEY)                                                                                              \
    static struct NAME##_map *NAME##_new(void)                                                                         \
    {                                                                                                                  \
        struct NAME##_map *map = NULL;                                                                                 \
        if (NAME##_map_create("bench", 0, &map))                                                                       \
            exit(1);                                                                                                   \
        return map;                                                                                                    \
    }                                                                                                                  \
    PEER_INLINE void NAME##_insert(struct NAME##_map *map, KEY key, uint64_t value)                                    \
    {                                                                                                                  \
        NAME##_map_assign(map, key, &value);                                                                           \
    }                                                                                                                  \
    PEER_INLINE const uint64_t *NAME##_find(struct NAME##_map *map, KEY key)                                           \
    {                                                                                                                  \
        return NAME##_map_find(map, key);                                                                              \
    }                                                                                                                  \
    PEER_INLINE void NAME##_delete(struct NAME##_map *map, KEY key)                                                    \
    {                                                                                                                  \
        NAME##_map_delete(map, key);                                                                                   \
    }                                                                                                                  \
    static uint64_t NAME##_sum(struct NAME##_map *map)                                                                 \
    {                                                                                                                  \
        uint64_t sum = 0;                                                                                              \
        struct NAME##_map_iter iter;                                                                                   \
        NAME##_map_iter_begin(map, &iter);                                                                             \
        while (NAME##_map_iter_next(&iter) == 1)                                                                       \
            sum += *iter.value;                                                                                        \
        NAME##_map_iter_end(&iter);                                                                                    \
        return sum;                                                                                                    \
    }                                                                                                                  \
    PEER_LOOPS(NAME, KEY)

MSC_MAP_TEMPLATE(u64_map, uint64_t, uint64_t, msc_u64_hash, msc_u64_equal);
MSC_MAP_TEMPLATE(key16_map, struct key16, uint64_t, key16_hash, key16_equal);

#define auto_table struct u64_map *
DEFINE(u64, uint64_t)
#undef auto_table
#define auto_table struct key16_map *
DEFINE(key16, struct key16)

static void swallow(enum msc_event event, const void *record)
{
    (void)event, (void)record;
}

/* Gates open to a tracer that drops what it gets: what the runtime itself costs. */
static void trace(const char *how)
{
    union msc_gate *gates;
    bool sampled = strcmp(how, "sampled") == 0;
    if ((!sampled && strcmp(how, "on") != 0) || msc_emit_register(swallow, &gates))
        return;
    config.map_rate = sampled ? 1000 : 1;
    config_apply(&config); /* the runtime asks the shared page, not `config` */
    for (int event = 0; event < MSC_EVENT_COUNT; event++)
        atomic_store(&gates[event].state.on, 1);
    for (int kind = 0; kind < MSC_PROBE_EVENTS; kind++)
        msc_probe_gates[kind].on = 1;
}

int main(int argc, char **argv)
{
    struct peer_data *data = peer_data_create(argc, argv);
    trace(argc > 2 ? argv[2] : "off");
    u64_measure(data);
    key16_measure(data);
    return 0;
}
