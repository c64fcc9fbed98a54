/*
 * Does what Go's map did, on ours, with Go's hashes, and compares what is left after each operation: growth,
 * overflow, evacuation, and every tophash byte in its slot. usage: go_map SEED | map_replay
 *
 * The lines are those of go_map/main.go: operation, key, hash, then Go's state. Ours is written down in the
 * same form, so that a difference shows as two lines. Exits with 0 if there was none, and prints what it saw.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/map_core.h"

enum { LINE_MAX_BYTES = 256 };

static void fail(uint64_t number, const char *what)
{
    fprintf(stderr, "map_replay: line %" PRIu64 ": %s\n", number, what);
    exit(1);
}

/* ---- Go's hashes ---- */

/* key -> the last hash that Go gave it; keys are 1, 2, 3, ... and each life of a map begins anew. */
static uint64_t *hashes;
static size_t hash_capacity;

static uint64_t go_hash(const void *key, struct msc_hash_seed seed)
{
    (void)seed;
    uint64_t number = *(const uint64_t *)key;
    return number < hash_capacity ? hashes[number] : 0;
}

static bool equal(const void *key, const void *other)
{
    return *(const uint64_t *)key == *(const uint64_t *)other;
}

static void learn_hash(uint64_t key, uint64_t hash)
{
    while (key >= hash_capacity) {
        size_t capacity = hash_capacity ? hash_capacity * 2 : 1024;
        hashes = realloc(hashes, capacity * sizeof *hashes);
        if (!hashes)
            fail(0, "memory is out");
        memset(hashes + hash_capacity, 0, (capacity - hash_capacity) * sizeof *hashes);
        hash_capacity = capacity;
    }
    hashes[key] = hash;
}

/* ---- what is left ---- */

#define DIGEST_BEGIN UINT64_C(0xcbf29ce484222325)

/* FNV-1a of a chain's tophash bytes. */
static uint64_t digest(uint64_t sum, struct msc_map_link link)
{
    do
        for (unsigned i = 0; i < MSC_MAP_SLOTS; i++)
            sum = (sum ^ link.tops[i]) * UINT64_C(0x100000001b3);
    while (msc_map_link_next(&link));
    return sum;
}

static uint64_t table_digest(const struct msc_map *map)
{
    uint64_t sum = DIGEST_BEGIN;
    for (uint64_t n = 0; map->table && n <= map->table->view.mask; n++)
        sum = digest(sum, map_table_link(map->table, &map->layout, n));
    for (uint64_t n = map->nevacuate; map->old && n <= map->old->view.mask; n++)
        if (map_is_in_old(map, n))
            sum = digest(sum, map_table_link(map->old, &map->layout, n));
    return sum;
}

static int print_state(char *to, size_t size, const struct msc_map *map)
{
    char growth[40] = "- -";
    if (map->old)
        snprintf(growth, sizeof growth, "%s %" PRIu64, map->same_size ? "same" : "double", map->nevacuate);
    return snprintf(to, size, "%u %" PRIu64 " %s %zu", map->table ? map->table->B : 0, map->noverflow, growth,
                    map->count);
}

static void print_operation(char line[LINE_MAX_BYTES], const struct msc_map *map, const char *verb, uint64_t key,
                            uint64_t hash)
{
    char state[LINE_MAX_BYTES / 2], chain[20] = "-";
    print_state(state, sizeof state, map);
    if (map->table)
        snprintf(chain, sizeof chain, "%" PRIx64,
                 digest(DIGEST_BEGIN, map_table_link(map->table, &map->layout, hash & map->table->view.mask)));
    snprintf(line, LINE_MAX_BYTES, "%s %" PRIu64 " %" PRIx64 " %s %s\n", verb, key, hash, state, chain);
}

/* ---- the operations ---- */

struct seen {
    uint64_t operations, doublings, same_sizes, overflow_max, B_max;
};

static struct msc_map *make(uint64_t hint)
{
    struct msc_map_type type = {.key_size = sizeof(uint64_t), .hash = go_hash, .equal = equal};
    struct msc_map_options options = {.struct_size = sizeof options,
                                      .key = MSC_KEY_CUSTOM,
                                      .type = &type,
                                      .value_size = sizeof(uint64_t),
                                      .hint = (size_t)hint};
    struct msc_map *map;
    if (msc_map_create(&options, &map))
        fail(0, "cannot make a map");
    return map;
}

/* Writes down our state after the operation of `line`, or fails where Go's line makes no sense. */
static void replay(struct msc_map **map, const char *line, uint64_t number, char ours[LINE_MAX_BYTES])
{
    uint64_t key, hash;
    char verb[8];
    if (sscanf(line, "new %" SCNu64, &key) == 1) {
        msc_map_destroy(*map);
        memset(hashes, 0, hash_capacity * sizeof *hashes);
        *map = make(key);
        snprintf(ours, LINE_MAX_BYTES, "new %" PRIu64 "\n", key);
        return;
    }
    if (!*map)
        fail(number, "no map yet");
    if (strncmp(line, "clear ", 6) == 0) {
        msc_map_clear(*map);
        memcpy(ours, "clear ", 6);
        size_t length = (size_t)print_state(ours + 6, LINE_MAX_BYTES - 8, *map);
        memcpy(ours + 6 + length, "\n", 2);
    } else if (strncmp(line, "sum ", 4) == 0) {
        snprintf(ours, LINE_MAX_BYTES, "sum %" PRIx64 "\n", table_digest(*map));
    } else if (sscanf(line, "%7s %" SCNu64 " %" SCNx64, verb, &key, &hash) == 3) {
        learn_hash(key, hash);
        if (verb[0] == 'p')
            msc_map_assign(*map, &key, &key);
        else
            msc_map_delete(*map, &key);
        print_operation(ours, *map, verb, key, hash);
    } else {
        fail(number, "not a line of go_map");
    }
}

static void note(struct seen *seen, const struct msc_map *map, bool grew_before)
{
    seen->operations++;
    if (map->old && !grew_before)
        *(map->same_size ? &seen->same_sizes : &seen->doublings) += 1;
    if (map->noverflow > seen->overflow_max)
        seen->overflow_max = map->noverflow;
    if (map->table && map->table->B > seen->B_max)
        seen->B_max = map->table->B;
}

int main(void)
{
    struct msc_map *map = NULL;
    struct seen seen = {0};
    char go[LINE_MAX_BYTES], ours[LINE_MAX_BYTES], before[LINE_MAX_BYTES] = "";
    learn_hash(0, 0);
    for (uint64_t number = 1; fgets(go, sizeof go, stdin); number++) {
        bool grew = map && map->old;
        replay(&map, go, number, ours);
        if (strcmp(go, ours) != 0) {
            fprintf(stderr, "map_replay: line %" PRIu64 "\nbefore: %sgo:     %sours:   %s", number, before, go, ours);
            return 1;
        }
        note(&seen, map, grew);
        memcpy(before, ours, sizeof before);
    }
    msc_map_destroy(map);
    free(hashes);
    printf("%" PRIu64 " operations, %" PRIu64 " doublings, %" PRIu64 " growths of the same size, B up to %" PRIu64
           ", overflow up to %" PRIu64 "\n",
           seen.operations, seen.doublings, seen.same_sizes, seen.B_max, seen.overflow_max);
    return 0;
}
