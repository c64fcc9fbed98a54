/*
 * A tracer for tests of locks: keeps every lock event, whole, from any number of threads. All gates are on
 * and nothing is sampled away unless a test says so. The fake clock shows what `now_ns` says.
 */
#ifndef TESTS_RUNTIME_LOCK_RECORDER_H
#define TESTS_RUNTIME_LOCK_RECORDER_H

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/config.h"
#include "runtime/emit.h"
#include "support/cmocka_main.h"

#define LOCK_RECORDS_MAX 200000
#define LOCK_RECORD_NAME 160

struct lock_record {
    enum msc_event event;
    uintptr_t leaf;
    char name[LOCK_RECORD_NAME]; /* of totals, which borrow theirs */
    union {
        struct msc_ev_lock_wait wait;
        struct msc_ev_lock_release release;
        struct msc_ev_lock_hold hold;
        struct msc_ev_lock_totals totals;
        struct msc_ev_cond_signal signal;
    };
};

static struct lock_record *lock_records;
static _Atomic size_t lock_record_count;
static union msc_gate *gates;
static _Atomic uint64_t now_ns;

static inline uint64_t fake_now(void)
{
    return now_ns;
}

static inline void gates_set(int on)
{
    for (int event = 0; event < MSC_EVENT_COUNT; event++)
        atomic_store(&gates[event].state.on, on);
}

static inline void keep_lock_event(enum msc_event event, const void *from)
{
    if (event != MSC_EVENT_LOCK_WAIT && event != MSC_EVENT_LOCK_RELEASE && event != MSC_EVENT_LOCK_HOLD &&
        event != MSC_EVENT_LOCK_TOTALS && event != MSC_EVENT_LOCK_INVENTORY && event != MSC_EVENT_COND_SIGNAL)
        return;
    size_t index = atomic_fetch_add(&lock_record_count, 1);
    if (index >= LOCK_RECORDS_MAX)
        abort();
    struct lock_record *record = &lock_records[index];
    *record = (struct lock_record){.event = event};
    if (event == MSC_EVENT_LOCK_WAIT) {
        record->wait = *(const struct msc_ev_lock_wait *)from;
        record->leaf = record->wait.stack.count ? record->wait.stack.pcs[0] : 0;
    } else if (event == MSC_EVENT_LOCK_RELEASE) {
        record->release = *(const struct msc_ev_lock_release *)from;
        record->leaf = record->release.stack.count ? record->release.stack.pcs[0] : 0;
    } else if (event == MSC_EVENT_LOCK_HOLD) {
        record->hold = *(const struct msc_ev_lock_hold *)from;
        record->leaf = record->hold.stack.count ? record->hold.stack.pcs[0] : 0;
    } else if (event == MSC_EVENT_COND_SIGNAL) {
        record->signal = *(const struct msc_ev_cond_signal *)from;
        record->leaf = record->signal.stack.count ? record->signal.stack.pcs[0] : 0;
    } else {
        record->totals = *(const struct msc_ev_lock_totals *)from;
        strncpy(record->name, record->totals.name, LOCK_RECORD_NAME - 1);
        record->totals.name = record->name;
    }
}

static inline int lock_recorder_setup(void **state)
{
    (void)state;
    if (!lock_records)
        lock_records = malloc(LOCK_RECORDS_MAX * sizeof *lock_records);
    lock_record_count = 0;
    config.mutex_mode = MSC_SAMPLER_BERNOULLI;
    config.mutex_fraction = 1;
    config_apply(&config);
    msc_emit_reset();
    assert_int_equal(msc_emit_register(keep_lock_event, &gates), 0);
    gates_set(1);
    return 0;
}

static inline int lock_recorder_teardown(void **state)
{
    (void)state;
    msc_emit_reset();
    clock_source = clock_monotonic_ns;
    return 0;
}

static inline size_t recorded_count(enum msc_event event)
{
    size_t count = 0;
    for (size_t i = 0; i < lock_record_count; i++)
        count += lock_records[i].event == event;
    return count;
}

/* The n-th event of this kind, from 0; there must be one. */
static inline const struct lock_record *recorded(enum msc_event event, size_t n)
{
    for (size_t i = 0; i < lock_record_count; i++)
        if (lock_records[i].event == event && n-- == 0)
            return &lock_records[i];
    fail_msg("event %d was not recorded as often", (int)event);
    return NULL;
}

/* The last totals of a lock of this name, or NULL. */
static inline const struct msc_ev_lock_totals *recorded_totals(const char *name)
{
    for (size_t i = lock_record_count; i-- > 0;)
        if (lock_records[i].event == MSC_EVENT_LOCK_TOTALS && strcmp(lock_records[i].totals.name, name) == 0)
            return &lock_records[i].totals;
    return NULL;
}

struct sums {
    uint64_t waits, wait_ns, charge_ns, handoff_ns;
};

/* What the events say of the lock at `lock`. */
static inline struct sums recorded_sums(const void *lock)
{
    struct sums sums = {0};
    for (size_t i = 0; i < lock_record_count; i++) {
        const struct lock_record *record = &lock_records[i];
        if (record->event == MSC_EVENT_LOCK_WAIT && record->wait.lock == (uintptr_t)lock) {
            sums.waits++;
            sums.wait_ns += record->wait.wait_ns;
        } else if (record->event == MSC_EVENT_LOCK_RELEASE && record->release.lock == (uintptr_t)lock) {
            sums.charge_ns += record->release.charge_ns;
            sums.handoff_ns += record->release.handoff_ns;
        }
    }
    return sums;
}

#define lock_test(test) cmocka_unit_test_setup_teardown(test, lock_recorder_setup, lock_recorder_teardown)

#endif
