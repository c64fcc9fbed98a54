/* See latch.h. Start reading at latch_wait. */
#include "runtime/latch.h"

#include "base/clock.h"
#include "runtime/flavour.h"
#include "runtime/spin.h"
#include "runtime/stack.h"

/* In pauses of spin.h: of a map's only latch; divided by their number where there are many. */
enum { AWAY = 512 };
enum { ROUNDS = 6, LOOKS = 40 };

static bool is_held(struct latch *latch)
{
    return atomic_load_explicit(&latch->holder, memory_order_relaxed) != 0;
}

/* True with the latch. */
static bool spin(struct latch *latch)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        spin_pause(AWAY / latch->map->latches);
        for (unsigned look = 0; look < LOOKS; look++) {
            if (!is_held(latch) && latch_take(latch))
                return true;
            spin_pause(1);
        }
    }
    return false;
}

/* 0 with the latch, or -ETIMEDOUT. Whichever it is, `asleep` is 1 then: others may sleep, too. */
static int sleep_until(struct latch *latch, uint64_t deadline_ns)
{
    for (;;) {
        atomic_store_explicit(&latch->asleep, 1, memory_order_relaxed);
        barrier_heavy(); /* pairs with barrier_light in latch_free */
        if (!is_held(latch) && latch_take(latch))
            break;
        if (deadline_ns != FUTEX_FOREVER && clock_monotonic_ns() >= deadline_ns)
            return -ETIMEDOUT;
        futex_wait(&latch->asleep, 1, deadline_ns);
        if (spin(latch))
            break;
    }
    atomic_store_explicit(&latch->asleep, 1, memory_order_relaxed);
    return 0;
}

void latch_wake(struct latch *latch)
{
    atomic_store_explicit(&latch->asleep, 0, memory_order_relaxed);
    futex_wake(&latch->asleep, 1);
}

/* ---- accounting ---- */

static struct lock_kind kind_of(const struct latch *latch)
{
    return (struct lock_kind){
        .lock = (uintptr_t)latch,
        .map = (uintptr_t)latch->map,
        .map_gen = latch->map->generation,
        .kind = MSC_LOCK_MUTEX,
    };
}

static int sleep_measured(struct latch *latch, uint64_t deadline_ns, const void *frame)
{
    const struct contention_how how = {
        .mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_MUTEX, .owner = (const int *)(uintptr_t)&latch->holder};
    struct lock_kind kind = kind_of(latch);
    struct page_lock *entry = lock_contend(own_lock_id(&latch->id), &kind);
    struct contention_wait wait;
    contention_join(entry, &how, frame, &wait);
    int error = sleep_until(latch, deadline_ns);
    if (error) {
        contention_give_up(&wait, MSC_WAIT_TIMEOUT);
        return error;
    }
    if (msc_lock_holds_timed)
        holds_begin(latch, MSC_MODE_EXCLUSIVE);
    contention_acquire(&wait);
    if (!entry)
        own_lock_count(own_lock_id(&latch->id));
    return 0;
}

/* The stack of a wait begins with our caller: the verb, latch_lock being inlined. */
int latch_wait(struct latch *latch, uint64_t deadline_ns)
{
    if (deadline_ns != FUTEX_FOREVER && clock_monotonic_ns() >= deadline_ns)
        return -ETIMEDOUT;
    if (!spin(latch)) {
        if (contention_wanted())
            return sleep_measured(latch, deadline_ns, STACK_HERE());
        int error = sleep_until(latch, deadline_ns);
        if (error)
            return error;
    }
    latch_taken(latch);
    return 0;
}

void latch_overtake(struct latch *latch)
{
    if (msc_lock_holds_timed)
        holds_begin(latch, MSC_MODE_EXCLUSIVE);
    struct page_lock *entry = lock_contended(own_lock_id(&latch->id));
    if (entry)
        contention_overtake(entry, MSC_MODE_EXCLUSIVE, 0);
}

void latch_settle(struct latch *latch)
{
    struct lock_id *id = own_lock_id(&latch->id);
    struct page_lock *entry = lock_contended(id);
    struct lock_kind kind = kind_of(latch);
    bool owes = entry && contention_to_settle(entry);
    struct contention_release release;
    struct msc_ev_lock_hold hold;
    if (owes)
        contention_release(entry, MSC_MODE_EXCLUSIVE, true, &release);
    own_hold_end(id, &kind, MSC_MODE_EXCLUSIVE, &hold);
    latch_free(latch);
    if (owes)
        contention_tell(&release, STACK_HERE());
    if (hold.weight)
        holds_tell(&hold, STACK_HERE());
}

/* ---- life ---- */

void latch_init(struct latch *latch, const struct flavour *map)
{
    *latch = (struct latch){.id = MSC_LOCK_ID_INITIALIZER(map->name, 1), .map = map};
    struct lock_kind kind = kind_of(latch);
    kind.site = (uintptr_t)__builtin_return_address(0);
    lock_enroll(own_lock_id(&latch->id), &kind);
}

void latch_fini(struct latch *latch)
{
    lock_retire(own_lock_id(&latch->id));
}
