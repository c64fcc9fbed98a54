/*
 * Threads that wait for the locks inside of concurrent maps, and for one that is no map's: what shows in the profiles.
 * Each wait lasts about 20 ms; what is held is held asleep.
 */
#include <mapscope/mapscope.h>

#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

enum { HOLD_MS = 20 };

static struct msc_rwmap *orders;
static struct msc_shardmap *prices;
static struct msc_mapwriter *users;
static msc_mutex plain = MSC_MUTEX_INITIALIZER_NAMED("plain");
static sem_t inside;

static void must(int error)
{
    if (error)
        abort();
}

static void pause_ms(long ms)
{
    const struct timespec pause = {0, ms * 1000000};
    nanosleep(&pause, NULL);
}

static int stay_inside(void *context, const void *key, const void *value, uint64_t version)
{
    (void)context, (void)key, (void)value, (void)version;
    sem_post(&inside);
    pause_ms(2 * HOLD_MS);
    return 1;
}

static void *iterate_orders(void *argument)
{
    msc_rwmap_range(orders, stay_inside, NULL);
    return argument;
}

static void *iterate_prices(void *argument)
{
    msc_shardmap_range(prices, stay_inside, NULL);
    return argument;
}

/* The first one waits for the iteration with the map's lock; the second one for the lock. */
static __attribute__((noinline)) void *place_order(void *argument)
{
    must(msc_rwmap_store_u64(orders, 1, NULL));
    return argument;
}

static __attribute__((noinline)) void *change_price(void *argument)
{
    must(msc_shardmap_store_u64(prices, 1, NULL));
    return argument;
}

/* That a value is compared is all that happens with the lock of a mapwriter held which a program has a say in. */
static bool compare_slowly(const void *value, const void *other)
{
    sem_post(&inside);
    pause_ms(HOLD_MS);
    return *(const uint64_t *)value == *(const uint64_t *)other;
}

static void *compare_user(void *argument)
{
    uint64_t key = 1, zero = 0;
    must(msc_mapwriter_compare_and_swap(users, &key, &zero, &zero, NULL));
    return argument;
}

static __attribute__((noinline)) void *rename_user(void *argument)
{
    const struct msc_write_limit patient = {.timeout_ns = UINT64_C(60000000000)};
    must(msc_mapwriter_store_u64(users, 1, NULL, &patient));
    return argument;
}

static void *hold_plain(void *argument)
{
    must(msc_mutex_lock(&plain));
    sem_post(&inside);
    pause_ms(HOLD_MS);
    must(msc_mutex_unlock(&plain));
    return argument;
}

static __attribute__((noinline)) void *want_plain(void *argument)
{
    must(msc_mutex_lock(&plain));
    must(msc_mutex_unlock(&plain));
    return argument;
}

/* `holder` says `inside`, then two come to wait. */
static void contend(void *(*holder)(void *), void *(*waiter)(void *))
{
    pthread_t threads[3];
    must(pthread_create(&threads[0], NULL, holder, NULL));
    sem_wait(&inside);
    must(pthread_create(&threads[1], NULL, waiter, NULL));
    pause_ms(2);
    must(pthread_create(&threads[2], NULL, waiter, NULL));
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    static const struct msc_map_type slow = {.equal_values = compare_slowly};
    struct msc_map_options options = {.struct_size = sizeof options, .name = "orders", .value_size = sizeof(uint64_t)};
    must(msc_rwmap_create(&options, &orders));
    options.name = "prices";
    must(msc_shardmap_create(&options, &prices));
    options.name = "users";
    options.type = &slow;
    must(msc_mapwriter_create(&options, &users));
    must(msc_rwmap_store_u64(orders, 1, NULL));
    must(msc_shardmap_store_u64(prices, 1, NULL));
    must(msc_mapwriter_store_u64(users, 1, NULL, NULL));
    sem_init(&inside, 0, 0);
    contend(iterate_orders, place_order);
    contend(iterate_prices, change_price);
    contend(compare_user, rename_user);
    contend(hold_plain, want_plain);
    msc_rwmap_destroy(orders);
    msc_shardmap_destroy(prices);
    msc_mapwriter_destroy(users);
    return EXIT_SUCCESS;
}
