/*
 * What every hash table is measured with: one program a table, each with the same loops compiled around its own
 * operations. bench/maps.sh runs them in turns and takes medians.
 *
 *     static struct table *u64_new(void);
 *     PEER_INLINE void u64_insert(struct table *table, uint64_t key, uint64_t value);
 *     PEER_INLINE const uint64_t *u64_find(struct table *table, uint64_t key);    // NULL = not there
 *     PEER_INLINE void u64_delete(struct table *table, uint64_t key);
 *     static uint64_t u64_sum(struct table *table);                                 // of all values
 *     PEER_LOOPS(u64, uint64_t)
 *
 *     int main(int argc, char **argv)
 *     {
 *         struct peer_data *data = peer_data_create(argc, argv);
 *         u64_measure(data);
 *     }
 *
 * Prints a line a kind of key: its name, then thread CPU ns an operation for insert (growing from empty), hit,
 * miss, iterate and delete, and bytes of resident memory an entry. Keys are random, looked up in another random
 * order than inserted. C and C++.
 */
#ifndef BENCH_MAPS_PEER_H
#define BENCH_MAPS_PEER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PEER_INLINE static inline __attribute__((always_inline))

struct key16 {
    uint64_t a, b;
};

struct peer_data {
    size_t count;
    uint64_t *keys, *shuffled, *absent;
};

static uint64_t peer_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t *peer_keys(size_t count, uint64_t *state)
{
    uint64_t *keys = (uint64_t *)malloc(count * sizeof *keys);
    if (!keys)
        exit(1);
    for (size_t i = 0; i < count; i++)
        keys[i] = peer_random(state);
    return keys;
}

static struct peer_data *peer_data_create(int argc, char **argv)
{
    struct peer_data *data = (struct peer_data *)malloc(sizeof *data);
    uint64_t state = 1;
    if (!data)
        exit(1);
    data->count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    data->keys = peer_keys(data->count, &state);
    data->absent = peer_keys(data->count, &state);
    data->shuffled = peer_keys(data->count, &state);
    for (size_t i = 0; i < data->count; i++) {
        size_t j = peer_random(&state) % (i + 1);
        data->shuffled[i] = data->shuffled[j];
        data->shuffled[j] = data->keys[i];
    }
    return data;
}

static double peer_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double peer_resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*u %lu", &pages) != 1)
        exit(1);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* So that no loop is optimised away. */
static volatile uint64_t peer_sink;

PEER_INLINE uint64_t peer_key_u64(uint64_t number)
{
    return number;
}

PEER_INLINE struct key16 peer_key_key16(uint64_t number)
{
    struct key16 key;
    key.a = number;
    key.b = number * 3;
    return key;
}

#define PEER_LOOPS(NAME, KEY)                                                                                          \
    static void NAME##_measure(const struct peer_data *data)                                                           \
    {                                                                                                                  \
        double ns[6], count = (double)data->count;                                                                     \
        size_t missing = 0;                                                                                            \
        uint64_t sum = 0;                                                                                              \
        double resident = peer_resident_bytes();                                                                       \
        auto_table table = NAME##_new();                                                                               \
        ns[0] = peer_cpu_ns();                                                                                         \
        for (size_t i = 0; i < data->count; i++)                                                                       \
            NAME##_insert(table, peer_key_##NAME(data->keys[i]), i);                                                   \
        ns[1] = peer_cpu_ns();                                                                                         \
        resident = peer_resident_bytes() - resident;                                                                   \
        for (size_t i = 0; i < data->count; i++)                                                                       \
            sum += *NAME##_find(table, peer_key_##NAME(data->shuffled[i]));                                            \
        double begin = peer_cpu_ns();                                                                                  \
        for (size_t i = 0; i < data->count; i++)                                                                       \
            sum += *NAME##_find(table, peer_key_##NAME(data->shuffled[i]));                                            \
        ns[2] = peer_cpu_ns();                                                                                         \
        for (size_t i = 0; i < data->count; i++)                                                                       \
            missing += NAME##_find(table, peer_key_##NAME(data->absent[i])) == NULL;                                   \
        ns[3] = peer_cpu_ns();                                                                                         \
        sum += NAME##_sum(table);                                                                                      \
        ns[4] = peer_cpu_ns();                                                                                         \
        for (size_t i = 0; i < data->count; i++)                                                                       \
            NAME##_delete(table, peer_key_##NAME(data->shuffled[i]));                                                  \
        ns[5] = peer_cpu_ns();                                                                                         \
        if (missing != data->count || NAME##_sum(table) != 0)                                                          \
            exit(1);                                                                                                   \
        peer_sink = sum;                                                                                               \
        printf("%s %.2f %.2f %.2f %.2f %.2f %.1f\n", #NAME, (ns[1] - ns[0]) / count, (ns[2] - begin) / count,          \
               (ns[3] - ns[2]) / count, (ns[4] - ns[3]) / count, (ns[5] - ns[4]) / count, resident / count);           \
    }

#endif
