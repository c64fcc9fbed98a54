/* Three operations of a typed map, each in a function of its own: test_map_off_path.sh reads what they compile to. */
#include <mapscope/map_template.h>

MSC_MAP_TEMPLATE(ages, uint64_t, uint64_t, msc_u64_hash, msc_u64_equal);

const uint64_t *look_up(const struct ages *map, uint64_t key);
int assign(struct ages *map, uint64_t key, const uint64_t *value);
int erase(struct ages *map, uint64_t key);

const uint64_t *look_up(const struct ages *map, uint64_t key)
{
    return ages_find(map, key);
}

int assign(struct ages *map, uint64_t key, const uint64_t *value)
{
    return ages_assign(map, key, value);
}

int erase(struct ages *map, uint64_t key)
{
    return ages_delete(map, key);
}
