// boost::unordered_flat_map (Debian: libboost1.81-dev), its own hash; 16-byte keys by boost::hash_combine.
#include <boost/unordered/unordered_flat_map.hpp>

#include "flat.hh"

static std::size_t hash_value(const key16 &key)
{
    std::size_t seed = 0;
    boost::hash_combine(seed, key.a);
    boost::hash_combine(seed, key.b);
    return seed;
}

using u64_map = boost::unordered_flat_map<uint64_t, uint64_t>;
using key16_map = boost::unordered_flat_map<key16, uint64_t, boost::hash<key16>>;

DEFINE(u64, uint64_t, u64_map)
DEFINE(key16, key16, key16_map)
MAIN
