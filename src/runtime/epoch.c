/* See epoch.h. Start reading at collect. */
#include "runtime/epoch.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/emit.h"
#include "runtime/memory.h"
#include "runtime/thread.h"

__thread struct epoch_slot epoch_self;
_Atomic uint64_t epoch_now = 1;
_Atomic uint64_t epoch_backlog;

/* Blocks that wait for the epoch to be `since` + 2. */
struct generation {
    struct epoch_batch batch;
    uint64_t since;
};

/* Everything below is guarded by this; held for the length of a walk over the slots. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct epoch_slot *slots;
static uint32_t unlisted_readers;
static struct generation older, newer;

static _Atomic uint64_t freed, stalls, stalled_ns, refusals; /* relaxed: counters */
static _Atomic uint32_t waiting;                             /* writers, for tests */

static pthread_key_t exit_key;
bool epoch_can_list; /* exit_key is there */

/* ---- the slot of a thread ---- */

/* Not for a thread that is ending: nobody would take it out once more, and the list would lead into its freed stack. */
static bool enlist(struct epoch_slot *slot)
{
    if (!epoch_can_list || slot->has_ended || pthread_setspecific(exit_key, slot))
        return false;
    atomic_store_explicit(&slot->tid, thread_tid(), memory_order_relaxed);
    pthread_mutex_lock(&lock);
    slot->next = slots;
    slots = slot;
    slot->listed = true;
    pthread_mutex_unlock(&lock);
    return true;
}

static void enter_unlisted(void)
{
    pthread_mutex_lock(&lock);
    unlisted_readers++;
    epoch_self.counted = true;
    pthread_mutex_unlock(&lock);
}

void epoch_enter_first(void)
{
    if (enlist(&epoch_self))
        epoch_pin();
    else
        enter_unlisted();
}

void epoch_leave_unlisted(void)
{
    pthread_mutex_lock(&lock);
    unlisted_readers -= epoch_self.counted;
    epoch_self.counted = false;
    pthread_mutex_unlock(&lock);
}

/* ---- freeing ---- */

static void append(struct epoch_batch *to, struct epoch_batch *from)
{
    if (!from->first)
        return;
    if (to->last)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    to->count += from->count;
    to->bytes += from->bytes;
    *from = (struct epoch_batch){0};
}

static void free_all(const struct epoch_batch *batch)
{
    struct epoch_item *item = batch->first;
    while (item) {
        struct epoch_item *next = item->next;
        memory.release(item);
        item = next;
    }
    atomic_fetch_add_explicit(&freed, batch->count, memory_order_relaxed);
}

/* Every thread's pin so far becomes visible here, or the thread's next load sees what we unlinked. */
static bool pass_barrier(void)
{
    if (barrier_is_asymmetric)
        return barrier_heavy();
    epoch_fence();
    return true;
}

/* Moves the epoch on if no reader lags behind. With the lock. */
static bool advance(void)
{
    uint64_t now = atomic_load_explicit(&epoch_now, memory_order_relaxed);
    if (unlisted_readers || !pass_barrier())
        return false;
    for (struct epoch_slot *slot = slots; slot; slot = slot->next) {
        /* Acquire pairs with the release of pin and leave: the reader is done with what it saw before. */
        uint64_t pinned = atomic_load_explicit(&slot->pinned, memory_order_acquire);
        if (pinned && pinned != now)
            return false;
    }
    atomic_store_explicit(&epoch_now, now + 1, memory_order_release);
    return true;
}

/* What of the generations can be freed is moved to *out. With the lock. */
static void ripen(struct epoch_batch *out)
{
    uint64_t now = atomic_load_explicit(&epoch_now, memory_order_relaxed);
    for (int i = 0; i < 2 && older.batch.first && now >= older.since + 2; i++) {
        append(out, &older.batch);
        older = newer;
        newer = (struct generation){0};
    }
}

/* Gives what the thread gathered to all, moves the epoch as far as it goes, takes what can be freed. With the lock. */
static void collect(struct epoch_batch *gathered, struct epoch_batch *out)
{
    atomic_fetch_add_explicit(&epoch_backlog, gathered->bytes, memory_order_relaxed);
    struct generation *into = older.batch.first ? &newer : &older;
    append(&into->batch, gathered);
    into->since = atomic_load_explicit(&epoch_now, memory_order_relaxed);
    if (older.batch.first && advance())
        advance();
    ripen(out);
    atomic_fetch_sub_explicit(&epoch_backlog, out->bytes, memory_order_relaxed);
}

void epoch_collect(void)
{
    struct epoch_batch out = {0};
    pthread_mutex_lock(&lock);
    collect(&epoch_self.retired, &out);
    pthread_mutex_unlock(&lock);
    free_all(&out);
}

/* A full batch is handed over by whoever gets the lock at once; a much too full one waits for it. */
static void hand_over(struct epoch_slot *slot)
{
    bool patient =
        slot->listed && slot->retired.count < 4 * EPOCH_BATCH_COUNT && slot->retired.bytes < 4 * EPOCH_BATCH_BYTES;
    if (!patient)
        pthread_mutex_lock(&lock);
    else if (pthread_mutex_trylock(&lock))
        return;
    struct epoch_batch out = {0};
    collect(&slot->retired, &out);
    pthread_mutex_unlock(&lock);
    free_all(&out);
}

void epoch_retire(struct epoch_item *item, size_t bytes)
{
    struct epoch_slot *slot = &epoch_self;
    item->next = NULL;
    append(&slot->retired, &(struct epoch_batch){item, item, 1, bytes});
    bool will_end_unnoticed = !slot->listed && (slot->depth > 0 || !enlist(slot));
    if (slot->retired.count >= EPOCH_BATCH_COUNT || slot->retired.bytes >= EPOCH_BATCH_BYTES || will_end_unnoticed)
        hand_over(slot);
}

/* ---- the bound ---- */

/* The thread that has been reading longest, 0 = not known. */
static uint32_t oldest_reader(void)
{
    uint64_t oldest = UINT64_MAX;
    uint32_t tid = 0;
    pthread_mutex_lock(&lock);
    for (struct epoch_slot *slot = slots; slot; slot = slot->next) {
        uint64_t pinned = atomic_load_explicit(&slot->pinned, memory_order_relaxed);
        if (pinned && pinned < oldest) {
            oldest = pinned;
            tid = atomic_load_explicit(&slot->tid, memory_order_relaxed);
        }
    }
    pthread_mutex_unlock(&lock);
    return tid;
}

static bool over_bound(void)
{
    return atomic_load_explicit(&epoch_backlog, memory_order_relaxed) > EPOCH_BACKLOG_MAX;
}

/* Nobody wakes us: a reader's leave is a plain store. So from 50 us on, doubling to 3.2 ms. */
static void wait_for_readers(void)
{
    enum { FIRST_PAUSE_NS = 50000, PAUSE_DOUBLINGS = 6 };
    for (int doublings = 0; over_bound(); doublings += doublings < PAUSE_DOUBLINGS) {
        struct timespec pause = {.tv_nsec = FIRST_PAUSE_NS << doublings};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        epoch_collect();
    }
}

int epoch_admit_slow(void)
{
    int kept_errno = errno, kept_cancel;
    epoch_collect();
    if (!over_bound())
        return 0;
    if (epoch_self.depth > 0) {
        atomic_fetch_add_explicit(&refusals, 1, memory_order_relaxed);
        return -EDEADLK;
    }
    struct msc_ev_reclaim_stall stall = {
        .reader_tid = oldest_reader(),
        .pending_bytes = atomic_load_explicit(&epoch_backlog, memory_order_relaxed),
    };
    uint64_t begin_ns = clock_now_ns();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &kept_cancel);
    atomic_fetch_add_explicit(&waiting, 1, memory_order_relaxed);
    wait_for_readers();
    atomic_fetch_sub_explicit(&waiting, 1, memory_order_relaxed);
    pthread_setcancelstate(kept_cancel, NULL);
    stall.waited_ns = clock_now_ns() - begin_ns;
    atomic_fetch_add_explicit(&stalls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&stalled_ns, stall.waited_ns, memory_order_relaxed);
    if (msc_gate_on(MSC_EVENT_RECLAIM_STALL))
        msc_emit(MSC_EVENT_RECLAIM_STALL, &stall);
    errno = kept_errno;
    return 0;
}

bool epoch_is_waited_for(void)
{
    return atomic_load_explicit(&waiting, memory_order_relaxed) != 0;
}

/* ---- threads and processes that end or begin ---- */

static void at_thread_exit(void *slot_of_thread)
{
    struct epoch_slot *slot = slot_of_thread;
    struct epoch_batch out = {0};
    pthread_mutex_lock(&lock);
    for (struct epoch_slot **link = &slots; *link; link = &(*link)->next)
        if (*link == slot) {
            *link = slot->next;
            break;
        }
    slot->listed = false;
    slot->has_ended = true;
    collect(&slot->retired, &out);
    pthread_mutex_unlock(&lock);
    free_all(&out);
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void in_parent(void)
{
    pthread_mutex_unlock(&lock);
}

/* The other threads are gone, and with them their slots. */
static void in_child(void)
{
    slots = epoch_self.listed ? &epoch_self : NULL;
    epoch_self.next = NULL;
    unlisted_readers = epoch_self.counted;
    atomic_store_explicit(&epoch_self.tid, thread_tid(), memory_order_relaxed);
    pthread_mutex_unlock(&lock);
}

/* After thread.c's, so that in_child finds the new tid. */
__attribute__((constructor(102))) static void epoch_prepare(void)
{
    epoch_can_list = pthread_key_create(&exit_key, at_thread_exit) == 0;
    pthread_atfork(before_fork, in_parent, in_child);
}

/* ---- public ---- */

void msc_guard_enter(void)
{
    epoch_enter();
}

void msc_guard_leave(void)
{
    epoch_leave();
}

void msc_guard_stats(struct msc_guard_numbers *out)
{
    *out = (struct msc_guard_numbers){
        .pending_bytes = atomic_load_explicit(&epoch_backlog, memory_order_relaxed),
        .freed = atomic_load_explicit(&freed, memory_order_relaxed),
        .stalls = atomic_load_explicit(&stalls, memory_order_relaxed),
        .stalled_ns = atomic_load_explicit(&stalled_ns, memory_order_relaxed),
        .refusals = atomic_load_explicit(&refusals, memory_order_relaxed),
    };
}
