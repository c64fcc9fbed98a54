/*
 * The concurrent maps under a mix of loads and stores of keys that are there:
 *
 *     flavours WRITES_PERCENT ENTRIES OPS THREADS NAME   ->   ns an operation (of one thread; all run at once)
 *
 * bench/flavours.sh runs it beside bench/flavours.go, which does the same with Go's counterparts. `pthread_rwlock`
 * is msc_map behind one; `guard` is msc_guard_enter and msc_guard_leave alone.
 */
#include <mapscope/mapscope.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct subject {
    const char *name;
    int (*create)(const struct msc_map_options *options);
    int (*load)(uint64_t key, uint64_t *out);
    int (*store)(uint64_t key, const uint64_t *value);
    void (*ready)(void); /* once it is filled; may be NULL */
};

static int stop_at_once(void *context, const void *key, const void *value, uint64_t version)
{
    (void)context, (void)key, (void)value, (void)version;
    return 1;
}

#define SUBJECT(flavour)                                                                                               \
    static struct flavour *flavour;                                                                                    \
    static int flavour##_make(const struct msc_map_options *options)                                                   \
    {                                                                                                                  \
        return flavour##_create(options, &flavour);                                                                    \
    }                                                                                                                  \
    static int flavour##_get(uint64_t key, uint64_t *out)                                                              \
    {                                                                                                                  \
        return flavour##_load_u64(flavour, key, out);                                                                  \
    }                                                                                                                  \
    static int flavour##_put(uint64_t key, const uint64_t *value)                                                      \
    {                                                                                                                  \
        return flavour##_store_u64(flavour, key, value);                                                               \
    }

SUBJECT(msc_rwmap)
SUBJECT(msc_syncmap)
SUBJECT(msc_shardmap)
SUBJECT(msc_cowmap)

static void syncmap_promote(void)
{
    msc_syncmap_range(msc_syncmap, stop_at_once, NULL);
}

static struct msc_mapwriter *mapwriter;

static int mapwriter_make(const struct msc_map_options *options)
{
    return msc_mapwriter_create(options, &mapwriter);
}

static int mapwriter_get(uint64_t key, uint64_t *out)
{
    return msc_mapwriter_load_u64(mapwriter, key, out);
}

static int mapwriter_put(uint64_t key, const uint64_t *value)
{
    struct msc_write_limit second = {.timeout_ns = 1000000000};
    return msc_mapwriter_store_u64(mapwriter, key, value, &second);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static struct msc_map *plain;

static int plain_make(const struct msc_map_options *options)
{
    return msc_map_create(options, &plain);
}

static int rwlock_get(uint64_t key, uint64_t *out)
{
    pthread_rwlock_rdlock(&rwlock);
    int error = msc_map_load_u64(plain, key, out);
    pthread_rwlock_unlock(&rwlock);
    return error;
}

static int rwlock_put(uint64_t key, const uint64_t *value)
{
    pthread_rwlock_wrlock(&rwlock);
    int error = msc_map_assign_u64(plain, key, value);
    pthread_rwlock_unlock(&rwlock);
    return error;
}

static int guard_get(uint64_t key, uint64_t *out)
{
    msc_guard_enter();
    *out = key;
    msc_guard_leave();
    return 0;
}

static const struct subject subjects[] = {
    {"rwmap", msc_rwmap_make, msc_rwmap_get, msc_rwmap_put, NULL},
    {"syncmap", msc_syncmap_make, msc_syncmap_get, msc_syncmap_put, syncmap_promote},
    {"shardmap", msc_shardmap_make, msc_shardmap_get, msc_shardmap_put, NULL},
    {"cowmap", msc_cowmap_make, msc_cowmap_get, msc_cowmap_put, NULL},
    {"mapwriter", mapwriter_make, mapwriter_get, mapwriter_put, NULL},
    {"pthread_rwlock", plain_make, rwlock_get, rwlock_put, NULL},
    {"guard", plain_make, guard_get, rwlock_put, NULL},
};

static const struct subject *subject;
static uint64_t writes, entries, ops, threads;
static pthread_barrier_t begin;
static _Atomic uint64_t failed;

static void *work(void *argument)
{
    uint64_t random = (uint64_t)(uintptr_t)argument, value, bad = 0;
    const uint64_t keys = entries, stores = writes * 10, count = ops; /* in registers, as in Go's */
    const struct subject map = *subject;
    pthread_barrier_wait(&begin);
    for (uint64_t i = 0; i < count; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t key = (random >> 33) % keys;
        if ((random >> 20) % 1000 < stores)
            bad += map.store(key, &i) != 0;
        else
            bad += map.load(key, &value) != 0;
    }
    failed += bad;
    return NULL;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double run_all(void)
{
    enum { THREADS_MAX = 64 };
    pthread_t ids[THREADS_MAX];
    if (threads == 0 || threads > THREADS_MAX)
        exit(2);
    pthread_barrier_init(&begin, NULL, (unsigned)threads + 1);
    for (uint64_t i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, work, (void *)(uintptr_t)(i + 1)))
            exit(1);
    pthread_barrier_wait(&begin);
    double begin_ns = now_ns();
    for (uint64_t i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    return (now_ns() - begin_ns) / (double)ops;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    writes = strtoull(argv[1], NULL, 10);
    entries = strtoull(argv[2], NULL, 10);
    ops = strtoull(argv[3], NULL, 10);
    threads = strtoull(argv[4], NULL, 10);
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        if (strcmp(subjects[i].name, argv[5]) == 0)
            subject = &subjects[i];
    struct msc_map_options options = {.struct_size = sizeof options, .name = "bench", .value_size = sizeof(uint64_t)};
    if (!subject || subject->create(&options))
        return 2;
    for (uint64_t key = 0; key < entries; key++)
        if (subject->store(key, &key))
            return 1;
    if (subject->ready)
        subject->ready();
    printf("%.1f\n", run_all());
    return failed ? 1 : 0;
}
