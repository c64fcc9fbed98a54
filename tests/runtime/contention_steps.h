/* One lock that exists only as accounting, moved on step by step under a clock that the test sets. */
#ifndef TESTS_RUNTIME_CONTENTION_STEPS_H
#define TESTS_RUNTIME_CONTENTION_STEPS_H

#include "runtime/lock_recorder.h"

#include "runtime/contention.h"
#include "runtime/locks.h"
#include "runtime/page.h"
#include "runtime/stack.h"

enum { WAITERS = 16 };

/* A lock that exists only as accounting, and the waits of the threads that the test plays. */
struct fixture {
    struct lock_id id;
    struct page_lock *entry;
    struct contention_wait waits[WAITERS];
    int owner;
};

static inline struct page_lock *contend(struct fixture *fixture)
{
    return lock_contend(&fixture->id, &(struct lock_kind){.lock = (uintptr_t)fixture, .kind = MSC_LOCK_MUTEX});
}

static inline struct fixture *fixture_at(uint64_t start_ns)
{
    static struct fixture fixture;
    fixture = (struct fixture){.id.name = "lock", .id.counts = 1, .owner = 77};
    fixture.entry = contend(&fixture);
    now_ns = start_ns;
    clock_source = fake_now;
    return &fixture;
}

static inline void joins_as(struct fixture *fixture, int waiter, enum msc_lock_mode mode, uint64_t time_ns)
{
    now_ns = time_ns;
    const struct contention_how how = {.mode = mode, .kind = MSC_LOCK_MUTEX, .owner = &fixture->owner};
    fixture->entry = contend(fixture);
    contention_join(fixture->entry, &how, STACK_HERE(), &fixture->waits[waiter]);
}

static inline void joins(struct fixture *fixture, int waiter, uint64_t time_ns)
{
    joins_as(fixture, waiter, MSC_MODE_EXCLUSIVE, time_ns);
}

static inline void acquires(struct fixture *fixture, int waiter, uint64_t time_ns)
{
    now_ns = time_ns;
    contention_acquire(&fixture->waits[waiter]);
}

static inline void gives_up(struct fixture *fixture, int waiter, uint64_t time_ns)
{
    now_ns = time_ns;
    contention_give_up(&fixture->waits[waiter], MSC_WAIT_TIMEOUT);
}

/* As the inline path of our locks does. */
static inline void acquires_without_waiting(struct fixture *fixture, uint64_t time_ns)
{
    now_ns = time_ns;
    atomic_fetch_add(&fixture->id.hold_seq, 1);
    struct page_lock *entry = lock_contended(&fixture->id);
    if (entry)
        contention_overtake(entry, MSC_MODE_EXCLUSIVE, 0);
}

static inline void releases(struct fixture *fixture, uint64_t time_ns)
{
    now_ns = time_ns;
    struct contention_release release;
    struct page_lock *entry = lock_contended(&fixture->id);
    if (!entry || !contention_to_settle(entry))
        return;
    contention_release(entry, MSC_MODE_EXCLUSIVE, true, &release);
    contention_tell(&release, STACK_HERE());
}

static inline void assert_conserved(const struct fixture *fixture)
{
    struct sums sums = recorded_sums(fixture);
    assert_int_equal(sums.wait_ns, sums.charge_ns + sums.handoff_ns);
    assert_int_equal(atomic_load(&fixture->entry->word), 0);
}

static inline void assert_release(size_t n, uint64_t charge_ns, uint64_t handoff_ns, uint64_t contended_ns,
                                  uint32_t waiters)
{
    const struct msc_ev_lock_release *release = &recorded(MSC_EVENT_LOCK_RELEASE, n)->release;
    assert_int_equal(release->charge_ns, charge_ns);
    assert_int_equal(release->handoff_ns, handoff_ns);
    assert_int_equal(release->contended_ns, contended_ns);
    assert_int_equal(release->waiters, waiters);
}

#endif
