// A C++ map with the interface of std::unordered_map, MAP<Key, Value, Hash>; HASH gives the library's own hash of
// 64-bit numbers.
#include "peer.h"

inline bool operator==(const key16 &one, const key16 &other)
{
    return one.a == other.a && one.b == other.b;
}

template <class Map, class Key> __attribute__((always_inline)) inline void insert(Map *map, Key key, uint64_t value)
{
    (*map)[key] = value;
}

template <class Map, class Key> __attribute__((always_inline)) inline const uint64_t *find(Map *map, Key key)
{
    auto at = map->find(key);
    return at == map->end() ? nullptr : &at->second;
}

template <class Map> uint64_t sum_of(Map *map)
{
    uint64_t total = 0;
    for (const auto &entry : *map)
        total += entry.second;
    return total;
}

#define DEFINE(NAME, KEY, MAP)                                                                                         \
    static MAP *NAME##_new() { return new MAP; }                                                                       \
    PEER_INLINE void NAME##_insert(MAP *map, KEY key, uint64_t value) { insert(map, key, value); }                   \
    PEER_INLINE const uint64_t *NAME##_find(MAP *map, KEY key) { return find(map, key); }                            \
    PEER_INLINE void NAME##_delete(MAP *map, KEY key) { map->erase(key); }                                           \
    static uint64_t NAME##_sum(MAP *map) { return sum_of(map); }                                                       \
    PEER_LOOPS(NAME, KEY)

#define auto_table auto

#define MAIN                                                                                                           \
    int main(int argc, char **argv)                                                                                    \
    {                                                                                                                  \
        peer_data *data = peer_data_create(argc, argv);                                                                \
        u64_measure(data);                                                                                             \
        key16_measure(data);                                                                                           \
        return 0;                                                                                                      \
    }
