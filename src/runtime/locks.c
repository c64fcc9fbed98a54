/* See locks.h. Start reading at lock_enroll. */
#include "runtime/locks.h"

#include "runtime/entries.h"
#include "runtime/object.h"
#include "runtime/page.h"

/* --- Locks of ours ---------------------------------------------------------------------------------------- */

static uint64_t gen_of(struct lock_id *id)
{
    uint64_t none = 0;
    if (sum_load(&id->gen) == 0)
        atomic_compare_exchange_strong_explicit(&id->gen, &none, object_generation(), memory_order_relaxed,
                                                memory_order_relaxed);
    return sum_load(&id->gen);
}

/* The entry `index` if it is what the lock has in this process, and not what it had in a parent. */
static struct page_lock *entry_if_own(struct lock_id *id, uint32_t index)
{
    struct page_lock *entry = &page.locks[index];
    return index && page_tables() && atomic_load_explicit(&entry->gen, memory_order_acquire) == sum_load(&id->gen)
               ? entry
               : NULL;
}

struct page_lock *lock_enroll(struct lock_id *id, const struct lock_kind *what)
{
    uint32_t index = atomic_load_explicit(&id->entry, memory_order_acquire);
    struct page_lock *entry = entry_if_own(id, index);
    if (entry)
        return entry;
    uint64_t gen = gen_of(id);
    entry = entry_claim(gen);
    if (!entry) {
        sum_add(&page.header.losses.locks_unlisted, 1);
        return NULL;
    }
    entry_fill(entry, what, id);
    entry_publish(entry, gen);
    if (atomic_compare_exchange_strong_explicit(&id->entry, &index, entry_index(entry), memory_order_acq_rel,
                                                memory_order_acquire))
        return entry;
    entry_give_back(entry); /* another thread was faster */
    return entry_if_own(id, index);
}

struct page_lock *lock_contend(struct lock_id *id, const struct lock_kind *what)
{
    struct page_lock *entry = lock_enroll(id, what);
    if (entry && atomic_load_explicit(&id->contended, memory_order_relaxed) != entry)
        atomic_store_explicit(&id->contended, entry, memory_order_relaxed);
    return entry;
}

struct page_lock *lock_contended(struct lock_id *id)
{
    struct page_lock *entry = atomic_load_explicit(&id->contended, memory_order_relaxed);
    if (!entry || entry_if_own(id, entry_index(entry)))
        return entry;
    atomic_compare_exchange_strong_explicit(&id->contended, &entry, NULL, memory_order_relaxed, memory_order_relaxed);
    return NULL;
}

void lock_retire(struct lock_id *id)
{
    uint32_t index = atomic_load_explicit(&id->entry, memory_order_relaxed);
    struct page_lock *entry = entry_if_own(id, index);
    if (entry) {
        if (entry_counts_ops(entry))
            entry_note_ops(entry, sum_load(&id->hold_seq));
        entry_retire(entry);
    } else if (sum_load(&id->hold_seq) && index == 0) {
        lock_add_other_ops(sum_load(&id->hold_seq));
    }
    sum_store(&id->hold_seq, 0);
    sum_store(&id->gen, 0);
    atomic_store_explicit(&id->entry, 0, memory_order_relaxed);
    atomic_store_explicit(&id->contended, NULL, memory_order_relaxed);
}

/* --- Sums ---------------------------------------------------------------------------------------------- */

const char *lock_name(const struct page_lock *entry)
{
    return atomic_load_explicit(&entry_own[entry_index(entry)].name, memory_order_relaxed);
}

/* A lock that counts its holds counts them where it is. */
static _Atomic uint64_t *holds_of(struct page_lock *entry)
{
    struct lock_id *id =
        entry_counts_ops(entry) ? atomic_load_explicit(&entry_own[entry_index(entry)].id, memory_order_relaxed) : NULL;
    return id ? &id->hold_seq : &entry->holds;
}

uint64_t lock_hold(struct page_lock *entry)
{
    return sum_load(holds_of(entry));
}

/* An exclusive holder is alone: no atomic addition, as long as others still wait for the line of the word. */
uint64_t lock_next_hold(struct page_lock *entry, enum msc_lock_mode mode)
{
    _Atomic uint64_t *holds = holds_of(entry);
    if (mode == MSC_MODE_SHARED)
        return atomic_fetch_add_explicit(holds, 1, memory_order_relaxed) + 1;
    uint64_t hold = sum_load(holds) + 1;
    sum_store(holds, hold);
    if (holds != &entry->holds)
        sum_store(&entry->holds, hold);
    return hold;
}

void lock_add_wait(struct page_lock *entry, enum msc_lock_mode mode, uint64_t wait_ns, uint64_t hold_seq)
{
    lock_add(&entry->contentions, mode, 1);
    lock_add(&entry->wait_ns, mode, wait_ns);
    sum_raise(&entry->max_ns, wait_ns);
    if (entry_counts_ops(entry))
        entry_note_ops(entry, hold_seq);
}

void lock_add_vain(struct page_lock *entry, uint64_t wait_ns)
{
    sum_add(&entry->vain, 1);
    sum_add(&entry->vain_ns, wait_ns);
    sum_raise(&entry->max_ns, wait_ns);
}

static void drop(struct page_lock *entry, uint64_t wait_ns)
{
    sum_add(&entry->dropped, 1);
    sum_add(&entry->dropped_ns, wait_ns);
}

void lock_add_unslotted(struct page_lock *entry, uint64_t wait_ns)
{
    sum_add(&page.header.losses.waits_unslotted, 1);
    sum_add(&page.header.losses.waits_unslotted_ns, wait_ns);
    drop(entry, wait_ns);
}

void lock_add_unlocked(struct page_lock *entry, uint64_t wait_ns)
{
    sum_add(&page.header.losses.waits_unlocked, 1);
    sum_add(&page.header.losses.waits_unlocked_ns, wait_ns);
    if (!entry)
        entry = entry_others();
    if (!entry)
        return;
    lock_add_vain(entry, wait_ns);
    drop(entry, wait_ns);
}
