// See pause.h: boost::unordered_flat_map. usage: [COUNT]
#include <boost/unordered/unordered_flat_map.hpp>

#include "pause.h"

using flat_map = boost::unordered_flat_map<uint64_t, uint64_t>;

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], nullptr, 10) : 10000000;
    flat_map map;
    pause_run(
        "flat map", &map,
        [](void *table, uint64_t key, uint64_t value) { (*static_cast<flat_map *>(table))[key] = value; }, count);
    return 0;
}
