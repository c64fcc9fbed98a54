/* See contention.h. */
#include "model/contention.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static struct contention_balance balance(uint64_t mutex_ns, uint64_t block_ns)
{
    return (struct contention_balance){mutex_ns, block_ns, (int64_t)(mutex_ns - block_ns)};
}

struct contention_balance contention_lock_balance(const struct contention_lock *lock)
{
    return balance(lock->charge_ns + lock->handoff_ns + lock->still_held_ns, lock->wait_ns + lock->still_wait_ns);
}

struct contention_balance contention_view_balance(const struct contention_view *view)
{
    return balance(view->charge_ns + view->handoff_ns + view->still_held_ns, view->wait_ns + view->still_wait_ns);
}

struct contention_balance contention_totals_balance(const struct contention_view *view)
{
    const struct contention_totals *totals = &view->totals;
    return balance(totals->charge_ns + totals->handoff_ns + view->still_held_ns, totals->wait_ns + view->still_wait_ns);
}

const struct contention_lock *contention_find(const struct contention_view *view, uint32_t pid,
                                              const struct event_object *object)
{
    for (size_t i = 0; i < view->lock_count; i++) {
        const struct contention_lock *lock = &view->locks[i];
        if (lock->pid == pid && lock->object.address == object->address &&
            lock->object.generation == object->generation)
            return lock;
    }
    return NULL;
}

static const struct {
    uint64_t below_ns;
    const char *text;
} buckets[CONTENTION_BUCKETS] = {
    {UINT64_C(1000), "<1us"},
    {UINT64_C(2000), "1us-2us"},
    {UINT64_C(5000), "2us-5us"},
    {UINT64_C(10000), "5us-10us"},
    {UINT64_C(20000), "10us-20us"},
    {UINT64_C(50000), "20us-50us"},
    {UINT64_C(100000), "50us-100us"},
    {UINT64_C(200000), "100us-200us"},
    {UINT64_C(500000), "200us-500us"},
    {UINT64_C(1000000), "500us-1ms"},
    {UINT64_C(2000000), "1ms-2ms"},
    {UINT64_C(5000000), "2ms-5ms"},
    {UINT64_C(10000000), "5ms-10ms"},
    {UINT64_C(20000000), "10ms-20ms"},
    {UINT64_C(50000000), "20ms-50ms"},
    {UINT64_C(100000000), "50ms-100ms"},
    {UINT64_C(200000000), "100ms-200ms"},
    {UINT64_C(500000000), "200ms-500ms"},
    {UINT64_C(1000000000), "500ms-1s"},
    {UINT64_C(2000000000), "1s-2s"},
    {UINT64_C(5000000000), "2s-5s"},
    {UINT64_C(10000000000), "5s-10s"},
    {UINT64_MAX, ">=10s"},
};

uint32_t contention_bucket_of(uint64_t ns)
{
    uint32_t low = 0, high = CONTENTION_BUCKETS - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (ns < buckets[middle].below_ns)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const char *contention_bucket_text(uint32_t bucket)
{
    return buckets[bucket].text;
}

const char *contention_kind_text(uint32_t kind)
{
    static const char *const texts[] = {[CONTENTION_MUTEX] = "mutex",
                                        [CONTENTION_RWLOCK] = "rwlock",
                                        [CONTENTION_SPIN] = "spin",
                                        [CONTENTION_COND] = "cond",
                                        [CONTENTION_MTX] = "mtx"};
    return kind < sizeof texts / sizeof *texts ? texts[kind] : "unknown";
}

const char *contention_mode_text(uint32_t mode)
{
    static const char *const texts[] = {[CONTENTION_EXCLUSIVE] = "exclusive", [CONTENTION_SHARED] = "shared"};
    return mode < sizeof texts / sizeof *texts ? texts[mode] : "unknown";
}

const char *contention_result_text(uint32_t result)
{
    static const char *const texts[] = {[CONTENTION_ACQUIRED] = "acquired",
                                        [CONTENTION_TIMEOUT] = "timeout",
                                        [CONTENTION_ERROR] = "error",
                                        [CONTENTION_CANCELLED] = "cancelled",
                                        [CONTENTION_OWNER_DIED] = "owner died"};
    return result < sizeof texts / sizeof *texts ? texts[result] : "unknown";
}

const char *contention_sampler_text(uint32_t mode)
{
    static const char *const texts[] = {[CONTENTION_SAMPLER_OFF] = "off",
                                        [CONTENTION_SAMPLER_BERNOULLI] = "bernoulli",
                                        [CONTENTION_SAMPLER_HYBRID] = "hybrid"};
    return mode < sizeof texts / sizeof *texts ? texts[mode] : "unknown";
}

uint64_t contention_margin(double variance)
{
    static const double quantile = 1.959964; /* of the normal distribution: 2.5 % lie above it */
    double margin = ceil(quantile * sqrt(variance));
    return margin < (double)INT64_MAX ? (uint64_t)margin : INT64_MAX;
}

const char *contention_lock_text(const struct contention_lock *lock, char *buffer, size_t size)
{
    if (lock->title)
        return lock->title;
    if (lock->name[0])
        return lock->name;
    snprintf(buffer, size, "0x%" PRIx64, lock->object.address);
    return buffer;
}
