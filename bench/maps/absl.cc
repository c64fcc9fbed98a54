// absl::flat_hash_map (Debian: libabsl-dev), its own hash.
#include <absl/container/flat_hash_map.h>

#include "flat.hh"

template <typename H> H AbslHashValue(H state, const key16 &key)
{
    return H::combine(std::move(state), key.a, key.b);
}

using u64_map = absl::flat_hash_map<uint64_t, uint64_t>;
using key16_map = absl::flat_hash_map<key16, uint64_t>;

DEFINE(u64, uint64_t, u64_map)
DEFINE(key16, key16, key16_map)
MAIN
