/* See contention.h. Start reading at word_change. */
#include "runtime/contention.h"

#include "base/clock.h"
#include "runtime/sampler.h"
#include "runtime/stack.h"

enum { NWAIT_SHIFT = 48, NWAIT_MAX = 0xffff };
#define SUM_MASK ((UINT64_C(1) << NWAIT_SHIFT) - 1)

/* --- The word ------------------------------------------------------------------------------------------- */

/* One change of the word, at one instant. */
struct change {
    uint64_t now_ns;
    uint64_t unsettled_ns; /* before */
    uint32_t waiters;      /* after */
    bool was_idle;         /* the word was 0 */
};

/*
 * Settles if asked to, then lets `joining` (-1, 0, 1) waiters join. False: too many waiters, nothing changed.
 *
 * Acquire: our clock is read after the clock reads that the word's times come from. Release: for the next
 * change's acquire. first_ns is 0 whenever the word is, so it is cleared before the swap that makes it so.
 */
static bool word_change(struct contention *c, bool settle, int joining, struct change *out)
{
    uint64_t old = atomic_load_explicit(&c->word, memory_order_acquire);
    uint64_t new;
    do {
        uint64_t now = clock_now_ns();
        uint64_t waiters = old >> NWAIT_SHIFT;
        uint64_t sum = old & SUM_MASK;
        if (joining > 0 && waiters == NWAIT_MAX)
            return false;
        *out = (struct change){now, (waiters * now - sum) & SUM_MASK, 0, old == 0};
        if (settle)
            sum = waiters * now;
        waiters += (uint64_t)joining;
        sum += (uint64_t)joining * now;
        out->waiters = (uint32_t)waiters;
        new = waiters << NWAIT_SHIFT | (sum & SUM_MASK);
        if (new == 0)
            atomic_store_explicit(&c->first_ns, 0, memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(&c->word, &old, new, memory_order_acq_rel, memory_order_acquire));
    return true;
}

/*
 * After a fork, the parent's waiters are in the word and will never leave. Loaded before `forks`, the word
 * is the parent's for sure if `forks` still is, since a child's waiter comes through here first; so the
 * swap cannot take a waiter of ours away. Returns false if there was nothing to forget.
 */
static bool forget_parent(struct contention *c)
{
    uint64_t word = atomic_load_explicit(&c->word, memory_order_acquire);
    uint32_t ours = atomic_load_explicit(&thread_forks, memory_order_relaxed);
    uint32_t forks = atomic_load_explicit(&c->forks, memory_order_acquire);
    if (__builtin_expect(forks == ours, 1))
        return false;
    atomic_compare_exchange_strong_explicit(&c->word, &word, 0, memory_order_acq_rel, memory_order_relaxed);
    atomic_compare_exchange_strong_explicit(&c->forks, &forks, ours, memory_order_acq_rel, memory_order_relaxed);
    return true;
}

/* --- Waits that are to be told --------------------------------------------------------------------------- */

enum { SLOTS = 1024, SLOT_PROBES = 16 };

struct wait_slot {
    atomic_flag taken; /* acquire and release hand over the rest; a forked child loses those of its parent */
    struct msc_ev_lock_wait event;
    uintptr_t pcs[MSC_STACK_MAX];
};

static struct wait_slot slots[SLOTS];

/* Stands for a wait without an event, and for an overtaking: the hold has something to tell all the same. */
static struct wait_slot untold;

static __thread uint32_t slot_hint __attribute__((tls_model("initial-exec")));

static struct wait_slot *slot_claim(void)
{
    if (slot_hint == 0)
        slot_hint = thread_tid() * SLOT_PROBES;
    for (uint32_t i = 0; i < SLOT_PROBES; i++) {
        struct wait_slot *slot = &slots[(slot_hint + i) % SLOTS];
        if (!atomic_flag_test_and_set_explicit(&slot->taken, memory_order_acquire))
            return slot;
    }
    return NULL;
}

static void slot_free(struct wait_slot *slot)
{
    atomic_flag_clear_explicit(&slot->taken, memory_order_release);
}

/* Samples, emits, frees. */
static void slot_tell(struct wait_slot *slot)
{
    uint64_t weight = msc_gate_on(MSC_EVENT_LOCK_WAIT) ? sampler_draw(slot->event.wait_ns) : 0;
    if (weight) {
        slot->event.weight = weight;
        msc_emit(MSC_EVENT_LOCK_WAIT, &slot->event);
    }
    slot_free(slot);
}

static struct wait_slot *slot_begin(struct contention *c, const void *lock, const void *frame)
{
    struct wait_slot *slot = slot_claim();
    if (!slot) {
        lock_add_dropped(&c->id);
        return NULL;
    }
    slot->event = (struct msc_ev_lock_wait){
        .lock = (uintptr_t)lock,
        .lock_gen = atomic_load_explicit(&c->id.gen, memory_order_relaxed),
        .name = c->id.name ? c->id.name : "",
        .kind = c->kind,
        .mode = MSC_MODE_EXCLUSIVE,
        .stack = stack_capture_from(slot->pcs, frame),
    };
    return slot;
}

/* --- Waiters --------------------------------------------------------------------------------------------- */

void contention_join(struct contention *c, const void *lock, uint32_t owner_tid, const void *frame,
                     struct contention_wait *wait)
{
    forget_parent(c);
    lock_enroll(&c->id, (uintptr_t)lock, c->kind);
    wait->slot = msc_gate_on(MSC_EVENT_LOCK_WAIT) ? slot_begin(c, lock, frame) : NULL;
    struct change change;
    wait->joined = word_change(c, false, 1, &change);
    if (!wait->joined)
        return;
    wait->begin_ns = change.now_ns;
    if (change.was_idle)
        atomic_store_explicit(&c->first_ns, change.now_ns, memory_order_relaxed);
    if (wait->slot) {
        wait->slot->event.owner_tid = owner_tid;
        wait->slot->event.begin_ns = change.now_ns;
    }
}

/* The wait was too much for the word: it is as if it had not been. */
static void wait_drop(struct contention *c, struct contention_wait *wait)
{
    if (wait->slot)
        slot_free(wait->slot);
    lock_add_dropped(&c->id);
}

static uint16_t forks_now(void)
{
    return (uint16_t)atomic_load_explicit(&thread_forks, memory_order_relaxed);
}

/* Holder: the lock was free, or held by others, until now. */
static void settle_handoff(struct contention *c, const struct change *change, struct wait_slot *tell)
{
    c->wait = tell ? tell : &untold;
    c->hold_forks = forks_now();
    c->handoff_ns = change->unsettled_ns;
    c->since_ns = change->waiters ? change->now_ns : 0;
    lock_add_handoff(&c->id, change->unsettled_ns);
}

void contention_acquire(struct contention *c, struct contention_wait *wait)
{
    if (!wait->joined) {
        wait_drop(c, wait);
        contention_count(c);
        return;
    }
    struct change change;
    word_change(c, true, -1, &change);
    uint64_t hold_seq = atomic_load_explicit(&c->id.hold_seq, memory_order_relaxed) + 1;
    atomic_store_explicit(&c->id.hold_seq, hold_seq, memory_order_relaxed);
    uint64_t wait_ns = change.now_ns - wait->begin_ns;
    settle_handoff(c, &change, wait->slot);
    lock_add_wait(&c->id, wait_ns);
    if (wait->slot) {
        wait->slot->event.wait_ns = wait_ns;
        wait->slot->event.result = MSC_WAIT_ACQUIRED;
        wait->slot->event.hold_seq = hold_seq;
    }
}

void contention_give_up(struct contention *c, struct contention_wait *wait, enum msc_wait_result result)
{
    if (!wait->joined) {
        wait_drop(c, wait);
        return;
    }
    struct change change;
    word_change(c, false, -1, &change);
    lock_add_wait(&c->id, change.now_ns - wait->begin_ns);
    if (!wait->slot)
        return;
    wait->slot->event.wait_ns = change.now_ns - wait->begin_ns;
    wait->slot->event.result = (uint32_t)result;
    slot_tell(wait->slot);
}

/* --- Holders --------------------------------------------------------------------------------------------- */

void contention_overtake(struct contention *c)
{
    if (forget_parent(c))
        return;
    struct change change;
    word_change(c, true, 0, &change);
    settle_handoff(c, &change, NULL);
}

/*
 * From the first waiter of this hold on. The waiter that came first may not have written its time yet: then
 * their average, which is exact if there is only one.
 */
static uint64_t contended_ns(const struct contention *c, const struct change *change, uint64_t first_ns)
{
    if (change->unsettled_ns == 0)
        return 0;
    uint64_t since = c->since_ns ? c->since_ns : first_ns;
    if (since == 0 || since > change->now_ns)
        return change->unsettled_ns / (change->waiters ? change->waiters : 1);
    return change->now_ns - since;
}

static void settle_charge(struct contention *c, const void *lock, struct msc_ev_lock_release *event)
{
    uint64_t first_ns = atomic_load_explicit(&c->first_ns, memory_order_relaxed);
    struct change change;
    word_change(c, true, 0, &change);
    lock_add_charge(&c->id, change.unsettled_ns);
    *event = (struct msc_ev_lock_release){
        .lock = (uintptr_t)lock,
        .lock_gen = atomic_load_explicit(&c->id.gen, memory_order_relaxed),
        .name = c->id.name ? c->id.name : "",
        .kind = c->kind,
        .mode = MSC_MODE_EXCLUSIVE,
        .release_ns = change.now_ns,
        .contended_ns = contended_ns(c, &change, first_ns),
        .charge_ns = change.unsettled_ns,
        .handoff_ns = c->handoff_ns,
        .waiters = change.waiters,
        .hold_seq = atomic_load_explicit(&c->id.hold_seq, memory_order_relaxed),
    };
}

void contention_release(struct contention *c, const void *lock, struct contention_release *release)
{
    struct wait_slot *wait = c->wait == &untold ? NULL : c->wait;
    *release = (struct contention_release){.wait = NULL};
    if (c->wait && c->hold_forks != forks_now()) { /* the hold began in the parent, which tells of it */
        if (wait)
            slot_free(wait);
        wait = NULL;
        c->since_ns = c->handoff_ns = 0;
    }
    if (!forget_parent(c)) {
        settle_charge(c, lock, &release->event);
        release->wait = wait;
    }
    c->wait = NULL;
    c->since_ns = c->handoff_ns = 0;
}

void contention_tell(struct contention_release *release, const void *frame)
{
    if (release->wait)
        slot_tell(release->wait);
    uint64_t contended = release->event.charge_ns + release->event.handoff_ns;
    if (contended == 0 || !msc_gate_on(MSC_EVENT_LOCK_RELEASE))
        return;
    release->event.weight = sampler_draw(contended);
    if (release->event.weight == 0)
        return;
    uintptr_t pcs[MSC_STACK_MAX];
    release->event.stack = stack_capture_from(pcs, frame);
    msc_emit(MSC_EVENT_LOCK_RELEASE, &release->event);
}
