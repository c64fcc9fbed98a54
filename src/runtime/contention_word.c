/* See contention_word.h. */
#include "runtime/contention_word.h"

static uint64_t packed(uint64_t waiters, uint64_t sum)
{
    return waiters << PAGE_WAITERS_SHIFT | (sum & PAGE_SUM_MASK);
}

/* Whatever tells of a time since when the word is not 0 is 0 whenever the word is: before the swap. */
static void note_idle(struct page_lock *entry, uint64_t now_ns)
{
    atomic_store_explicit(&entry->first_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->settled_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->idle_since, page_coarse(now_ns), memory_order_relaxed);
}

/*
 * Acquire: the clock is read after those clock reads that the word's times come from. Release: for the next change's
 * acquire.
 */
static bool swap(struct page_lock *entry, uint64_t *old, uint64_t new)
{
    return atomic_compare_exchange_weak_explicit(&entry->word, old, new, memory_order_acq_rel, memory_order_acquire);
}

bool word_join(struct page_lock *entry, uint16_t count, struct change *out)
{
    uint64_t old = word_load(entry), waiters;
    do {
        waiters = page_word_waiters(old) + (uint64_t)count;
        *out = (struct change){tsc_clock_ns(), 0, (uint32_t)waiters};
        if (old == PAGE_WORD_GONE || waiters > PAGE_WAITERS_MAX)
            return false;
    } while (!swap(entry, &old, packed(waiters, old + count * out->now_ns)));
    if (old == 0)
        atomic_store_explicit(&entry->first_ns, out->now_ns, memory_order_relaxed);
    return true;
}

/* The clock is read after others can know. */
void word_leave(struct page_lock *entry, struct change *out)
{
    atomic_fetch_add_explicit(&entry->leaving, 1, memory_order_seq_cst);
    uint64_t old = word_load(entry), new;
    do {
        clock_fence();
        uint64_t now_ns = tsc_clock_ns(), waiters = (uint64_t)page_word_waiters(old) - 1;
        *out = (struct change){now_ns, 0, (uint32_t)waiters};
        new = packed(waiters, old - now_ns);
        if (new == 0)
            note_idle(entry, now_ns);
    } while (!swap(entry, &old, new));
    atomic_fetch_sub_explicit(&entry->leaving, 1, memory_order_release);
}

void word_leave_at(struct page_lock *entry, uint64_t until_ns)
{
    uint64_t old = word_load(entry), new;
    do {
        new = packed((uint64_t)page_word_waiters(old) - 1, old - until_ns);
        if (new == 0)
            note_idle(entry, tsc_clock_ns());
    } while (!swap(entry, &old, new));
}

/* The sum that leaves nothing unsettled, and nothing paid, if there is anything to settle. */
void word_settle_by_swap(struct page_lock *entry, uint32_t leaving, struct change *out)
{
    uint64_t paid_ns = atomic_load_explicit(&entry->paid_ns, memory_order_relaxed);
    uint64_t old = word_load(entry), new;
    bool settles;
    do {
        uint64_t now_ns = tsc_clock_ns(), waiters = (uint64_t)page_word_waiters(old) - leaving;
        *out = (struct change){now_ns, 0, 0};
        if (old == PAGE_WORD_GONE)
            return;
        uint64_t owed_ns = page_word_unsettled(old, paid_ns, now_ns);
        settles = owed_ns != 0 || waiters == 0;
        *out = (struct change){now_ns, owed_ns, (uint32_t)waiters};
        new = packed(waiters, settles ? waiters * now_ns : old - leaving * now_ns);
        if (new == 0)
            note_idle(entry, now_ns);
    } while (!swap(entry, &old, new));
    if (settles && paid_ns)
        atomic_store_explicit(&entry->paid_ns, 0, memory_order_relaxed);
    if (new != 0)
        word_note_settled(entry, out->now_ns);
}
