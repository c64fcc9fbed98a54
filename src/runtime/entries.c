/* See entries.h. */
#include "runtime/entries.h"

#include <string.h>

#include "runtime/thread.h"

struct entry_own entry_own[PAGE_LOCKS];

static const char others_name[] = ENTRY_OTHERS_NAME;

/* --- Names ----------------------------------------------------------------------------------------------- */

/* A copy, since a library that was unloaded took the names of its locks along. Word by word: an entry may be read
   while it is filled for another lock. */
typedef uint64_t __attribute__((may_alias)) name_word;

enum { NAME_WORDS = PAGE_NAME / sizeof(name_word) };

static void name_write(struct page_lock *entry, const char *from)
{
    name_word words[NAME_WORDS] = {0};
    memcpy(words, from, strnlen(from, PAGE_NAME - 1));
    for (int i = 0; i < NAME_WORDS; i++)
        __atomic_store_n((name_word *)(void *)entry->name + i, words[i], __ATOMIC_RELAXED);
}

void entry_name_read(struct page_lock *entry, char out[PAGE_NAME])
{
    for (int i = 0; i < NAME_WORDS; i++) {
        name_word word = __atomic_load_n((name_word *)(void *)entry->name + i, __ATOMIC_RELAXED);
        memcpy(out + (size_t)i * sizeof word, &word, sizeof word);
    }
}

/* --- Claiming and giving back -------------------------------------------------------------------------- */

/* Between a claim and its publication (release of `gen`) nobody else touches an entry. */
void entry_fill(struct page_lock *entry, const struct lock_kind *what, struct lock_id *id)
{
    struct entry_own *own = &entry_own[entry_index(entry)];
    const char *name = id && id->name ? id->name : "";
    sum_store(&entry->word, 0);
    atomic_store_explicit(&entry->tell, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->is_free, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->leaving, 0, memory_order_relaxed);
    sum_store(&entry->paid_ns, 0);
    sum_store(&entry->first_ns, 0);
    sum_store(&entry->settled_ns, 0);
    sum_store(&entry->holds, 1); /* the hold that the first waiter meets */
    atomic_store_explicit(&entry->holder, 0, memory_order_relaxed);
    sum_store(&entry->lock, what->lock);
    sum_store(&entry->map, what->map);
    sum_store(&entry->map_gen, what->map_gen);
    sum_store(&entry->site, what->site);
    atomic_store_explicit(&entry->kind, what->kind, memory_order_relaxed);
    atomic_store_explicit(&entry->counts_ops, id && id->counts, memory_order_relaxed);
    _Atomic uint64_t *const counts[] = {&entry->ops,        &entry->contentions, &entry->wait_ns, &entry->charge_ns,
                                        &entry->handoff_ns, &entry->max_ns,      &entry->vain,    &entry->vain_ns,
                                        &entry->dropped,    &entry->dropped_ns};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        sum_store(counts[i], 0);
    name_write(entry, name);
    atomic_store_explicit(&own->id, id, memory_order_relaxed);
    atomic_store_explicit(&own->name, name, memory_order_relaxed);
    atomic_store_explicit(&own->is_pinned, false, memory_order_relaxed);
    /* The holds that a child inherited from its parent are none of its own. */
    sum_store(&own->first_op,
              id && atomic_load_explicit(&thread_forks, memory_order_relaxed) ? sum_load(&id->hold_seq) : 0);
}

struct page_lock *entry_claim(uint64_t gen)
{
    if (!page_tables())
        return NULL;
    uint32_t limit = page_limits.locks - 1;
    for (uint64_t i = gen; i < gen + ENTRY_PROBES && limit > 0; i++) {
        struct page_lock *entry = &page.locks[1 + i % limit];
        uint64_t free = 0;
        if (sum_load(&entry->gen) == 0 &&
            atomic_compare_exchange_strong_explicit(&entry->gen, &free, PAGE_GEN_CLAIMED, memory_order_acquire,
                                                    memory_order_relaxed))
            return entry;
    }
    return NULL;
}

void entry_publish(struct page_lock *entry, uint64_t gen)
{
    atomic_store_explicit(&entry->gen, gen, memory_order_release);
}

void entry_give_back(struct page_lock *entry)
{
    atomic_store_explicit(&entry->gen, 0, memory_order_release);
}

struct page_lock *entry_others(void)
{
    if (!page_tables())
        return NULL;
    struct page_lock *entry = &page.locks[0];
    uint64_t free = 0;
    if (sum_load(&entry->gen) == 0 &&
        atomic_compare_exchange_strong_explicit(&entry->gen, &free, PAGE_GEN_CLAIMED, memory_order_acquire,
                                                memory_order_relaxed)) {
        name_write(entry, others_name); /* its sums are zero, or added to already */
        entry_publish(entry, PAGE_GEN_OTHERS);
    }
    return entry;
}
