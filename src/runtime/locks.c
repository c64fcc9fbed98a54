/* See locks.h. Start reading at lock_enroll and contention_enroll. */
#include "runtime/locks.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/contention.h"
#include "runtime/emit.h"
#include "runtime/entries.h"
#include "runtime/holds.h"
#include "runtime/interpose.h"
#include "runtime/object.h"
#include "runtime/page.h"
#include "runtime/thread.h"
#include "runtime/waits.h"

struct entry_own entry_own[PAGE_LOCKS];

static const char others_name[] = "[other locks]";

/* All are sums or maxima that nothing else depends on: relaxed throughout. */
static uint64_t load(_Atomic uint64_t *field)
{
    return atomic_load_explicit(field, memory_order_relaxed);
}

static void store(_Atomic uint64_t *field, uint64_t value)
{
    atomic_store_explicit(field, value, memory_order_relaxed);
}

static void add(_Atomic uint64_t *field, uint64_t value)
{
    atomic_fetch_add_explicit(field, value, memory_order_relaxed);
}

static void raise_to(_Atomic uint64_t *field, uint64_t value)
{
    uint64_t now = load(field);
    while (now < value &&
           !atomic_compare_exchange_weak_explicit(field, &now, value, memory_order_relaxed, memory_order_relaxed)) {
    }
}

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

static void name_read(struct page_lock *entry, char out[PAGE_NAME])
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
    store(&entry->word, 0);
    atomic_store_explicit(&entry->tell, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->is_free, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->leaving, 0, memory_order_relaxed);
    store(&entry->paid_ns, 0);
    store(&entry->first_ns, 0);
    store(&entry->settled_ns, 0);
    store(&entry->holds, 1); /* the hold that the first waiter meets */
    atomic_store_explicit(&entry->holder, 0, memory_order_relaxed);
    store(&entry->lock, what->lock);
    store(&entry->map, what->map);
    store(&entry->map_gen, what->map_gen);
    store(&entry->site, what->site);
    atomic_store_explicit(&entry->kind, what->kind, memory_order_relaxed);
    atomic_store_explicit(&entry->counts_ops, id && id->counts, memory_order_relaxed);
    _Atomic uint64_t *const counts[] = {&entry->ops,        &entry->contentions, &entry->wait_ns, &entry->charge_ns,
                                        &entry->handoff_ns, &entry->max_ns,      &entry->vain,    &entry->vain_ns,
                                        &entry->dropped,    &entry->dropped_ns};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        store(counts[i], 0);
    name_write(entry, name);
    atomic_store_explicit(&own->id, id, memory_order_relaxed);
    atomic_store_explicit(&own->name, name, memory_order_relaxed);
    atomic_store_explicit(&own->is_pinned, false, memory_order_relaxed);
    /* The holds that a child inherited from its parent are none of its own. */
    store(&own->first_op, id && atomic_load_explicit(&thread_forks, memory_order_relaxed) ? load(&id->hold_seq) : 0);
}

struct page_lock *entry_claim(uint64_t gen)
{
    if (!page_tables())
        return NULL;
    uint32_t limit = page_limits.locks - 1;
    for (uint64_t i = gen; i < gen + ENTRY_PROBES && limit > 0; i++) {
        struct page_lock *entry = &page.locks[1 + i % limit];
        uint64_t free = 0;
        if (load(&entry->gen) == 0 &&
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

/* Entry 0; NULL without tables. */
static struct page_lock *others(void)
{
    if (!page_tables())
        return NULL;
    struct page_lock *entry = &page.locks[0];
    uint64_t free = 0;
    if (load(&entry->gen) == 0 && atomic_compare_exchange_strong_explicit(&entry->gen, &free, PAGE_GEN_CLAIMED,
                                                                          memory_order_acquire, memory_order_relaxed)) {
        name_write(entry, others_name); /* its sums are zero, or added to already */
        entry_publish(entry, PAGE_GEN_OTHERS);
    }
    return entry;
}

/* --- Locks of ours ---------------------------------------------------------------------------------------- */

static uint64_t gen_of(struct lock_id *id)
{
    uint64_t none = 0;
    if (load(&id->gen) == 0)
        atomic_compare_exchange_strong_explicit(&id->gen, &none, object_generation(), memory_order_relaxed,
                                                memory_order_relaxed);
    return load(&id->gen);
}

/* The entry `index` if it is what the lock has in this process, and not what it had in a parent. */
static struct page_lock *entry_if_own(struct lock_id *id, uint32_t index)
{
    struct page_lock *entry = &page.locks[index];
    return index && page_tables() && atomic_load_explicit(&entry->gen, memory_order_acquire) == load(&id->gen) ? entry
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
        add(&page.header.losses.locks_unlisted, 1);
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

/* --- Sums ---------------------------------------------------------------------------------------------- */

const char *lock_name(const struct page_lock *entry)
{
    return atomic_load_explicit(&entry_own[entry_index(entry)].name, memory_order_relaxed);
}

static bool counts_ops(struct page_lock *entry)
{
    return atomic_load_explicit(&entry->counts_ops, memory_order_relaxed);
}

/* A lock that counts its holds counts them where it is. */
static _Atomic uint64_t *holds_of(struct page_lock *entry)
{
    struct lock_id *id =
        counts_ops(entry) ? atomic_load_explicit(&entry_own[entry_index(entry)].id, memory_order_relaxed) : NULL;
    return id ? &id->hold_seq : &entry->holds;
}

uint64_t lock_hold(struct page_lock *entry)
{
    return load(holds_of(entry));
}

/* An exclusive holder is alone: no atomic addition, as long as others still wait for the line of the word. */
uint64_t lock_next_hold(struct page_lock *entry, enum msc_lock_mode mode)
{
    _Atomic uint64_t *holds = holds_of(entry);
    if (mode == MSC_MODE_SHARED)
        return atomic_fetch_add_explicit(holds, 1, memory_order_relaxed) + 1;
    uint64_t hold = load(holds) + 1;
    store(holds, hold);
    if (holds != &entry->holds)
        store(&entry->holds, hold);
    return hold;
}

static void note_ops(struct page_lock *entry, uint64_t holds)
{
    raise_to(&entry->ops, holds - load(&entry_own[entry_index(entry)].first_op));
}

void lock_add_wait(struct page_lock *entry, enum msc_lock_mode mode, uint64_t wait_ns, uint64_t hold_seq)
{
    lock_add(&entry->contentions, mode, 1);
    lock_add(&entry->wait_ns, mode, wait_ns);
    raise_to(&entry->max_ns, wait_ns);
    if (counts_ops(entry))
        note_ops(entry, hold_seq);
}

void lock_add_vain(struct page_lock *entry, uint64_t wait_ns)
{
    add(&entry->vain, 1);
    add(&entry->vain_ns, wait_ns);
    raise_to(&entry->max_ns, wait_ns);
}

static void drop(struct page_lock *entry, uint64_t wait_ns)
{
    add(&entry->dropped, 1);
    add(&entry->dropped_ns, wait_ns);
}

void lock_add_unslotted(struct page_lock *entry, uint64_t wait_ns)
{
    add(&page.header.losses.waits_unslotted, 1);
    add(&page.header.losses.waits_unslotted_ns, wait_ns);
    drop(entry, wait_ns);
}

void lock_add_unlocked(struct page_lock *entry, uint64_t wait_ns)
{
    add(&page.header.losses.waits_unlocked, 1);
    add(&page.header.losses.waits_unlocked_ns, wait_ns);
    if (!entry)
        entry = others();
    if (!entry)
        return;
    lock_add_vain(entry, wait_ns);
    drop(entry, wait_ns);
}

/* --- Totals -------------------------------------------------------------------------------------------- */

/* `name` is what out->name points to. */
static void totals_read(struct page_lock *entry, struct msc_ev_lock_totals *out, char name[PAGE_NAME])
{
    name_read(entry, name);
    *out = (struct msc_ev_lock_totals){
        .lock = load(&entry->lock),
        .name = name,
        .kind = atomic_load_explicit(&entry->kind, memory_order_relaxed),
        .map = load(&entry->map),
        .site = load(&entry->site),
        .ops = load(&entry->ops),
        .contentions = load(&entry->contentions) + load(&entry->vain),
        .wait_ns = load(&entry->wait_ns) + load(&entry->vain_ns),
        .charge_ns = load(&entry->charge_ns),
        .handoff_ns = load(&entry->handoff_ns),
        .max_ns = load(&entry->max_ns),
        .dropped = load(&entry->dropped),
    };
}

static bool is_contended(const struct msc_ev_lock_totals *totals)
{
    return totals->contentions || totals->dropped;
}

static void add_to_others(const struct msc_ev_lock_totals *totals)
{
    struct page_lock *entry = others();
    if (!entry)
        return;
    add(&entry->ops, totals->ops);
    add(&entry->contentions, totals->contentions);
    add(&entry->wait_ns, totals->wait_ns);
    add(&entry->charge_ns, totals->charge_ns);
    add(&entry->handoff_ns, totals->handoff_ns);
    add(&entry->dropped, totals->dropped);
    raise_to(&entry->max_ns, totals->max_ns);
}

void lock_add_other_ops(uint64_t ops)
{
    add_to_others(&(struct msc_ev_lock_totals){.ops = ops});
}

void entry_retire(struct page_lock *entry)
{
    char name[PAGE_NAME];
    struct msc_ev_lock_totals totals;
    totals_read(entry, &totals, name);
    totals.lock_gen = load(&entry->gen);
    contention_abandon(entry);
    entry_give_back(entry);
    if (is_contended(&totals) && msc_gate_on(MSC_EVENT_LOCK_TOTALS))
        msc_emit(MSC_EVENT_LOCK_TOTALS, &totals);
    else
        add_to_others(&totals);
}

void lock_retire(struct lock_id *id)
{
    uint32_t index = atomic_load_explicit(&id->entry, memory_order_relaxed);
    struct page_lock *entry = entry_if_own(id, index);
    if (entry) {
        if (counts_ops(entry))
            note_ops(entry, load(&id->hold_seq));
        entry_retire(entry);
    } else if (load(&id->hold_seq) && index == 0) {
        lock_add_other_ops(load(&id->hold_seq));
    }
    store(&id->hold_seq, 0);
    store(&id->gen, 0);
    atomic_store_explicit(&id->entry, 0, memory_order_relaxed);
    atomic_store_explicit(&id->contended, NULL, memory_order_relaxed);
}

/* Those that have no entry are counted elsewhere until the farewell. */
static void inventory_emit(struct msc_ev_lock_totals *totals)
{
    totals->round = emit_audience_now();
    if (totals->lock == 0)
        totals->ops += interpose_ops();
    msc_emit_unannounced(MSC_EVENT_LOCK_INVENTORY, totals);
}

/* The program may have freed the lock without a word, and unmapped the memory: the kernel checks that. */
static void look_at_ops(struct page_lock *entry, uint64_t gen)
{
    struct entry_own *own = &entry_own[entry_index(entry)];
    struct lock_id copy;
    struct iovec to = {&copy, sizeof copy};
    struct iovec from = {.iov_base = atomic_load_explicit(&own->id, memory_order_relaxed), .iov_len = sizeof copy};
    if (from.iov_base && process_vm_readv(getpid(), &to, 1, &from, 1, 0) == sizeof copy && copy.counts == 1 &&
        atomic_load_explicit(&copy.entry, memory_order_relaxed) == entry_index(entry) && load(&copy.gen) == gen)
        note_ops(entry, load(&copy.hold_seq));
}

static void entry_emit(struct page_lock *entry, enum msc_event event)
{
    uint64_t gen = atomic_load_explicit(&entry->gen, memory_order_acquire);
    if (gen == 0 || gen == PAGE_GEN_CLAIMED)
        return;
    if (counts_ops(entry))
        look_at_ops(entry, gen);
    char name[PAGE_NAME];
    struct msc_ev_lock_totals totals;
    totals_read(entry, &totals, name);
    totals.lock_gen = gen == PAGE_GEN_OTHERS ? 0 : gen;
    /* Still the same lock's? Adding nothing, unlike a load, comes after the loads above. */
    bool same = atomic_fetch_add_explicit(&entry->gen, 0, memory_order_acq_rel) == gen;
    if (!same)
        return;
    if (event == MSC_EVENT_LOCK_INVENTORY)
        inventory_emit(&totals);
    else if (totals.ops || is_contended(&totals))
        msc_emit(event, &totals);
}

void lock_emit_all(void)
{
    if (!msc_gate_on(MSC_EVENT_LOCK_TOTALS) || atomic_load(&page_readiness) != PAGE_READY)
        return;
    for (struct page_lock *entry = page.locks + PAGE_LOCKS; entry-- > page.locks;) /* the others last */
        entry_emit(entry, MSC_EVENT_LOCK_TOTALS);
}

static void announce_all(void)
{
    if (!msc_gate_on(MSC_EVENT_LOCK_INVENTORY))
        return;
    bool has_tables = atomic_load(&page_readiness) == PAGE_READY;
    for (struct page_lock *entry = page.locks + PAGE_LOCKS; has_tables && --entry > page.locks;)
        entry_emit(entry, MSC_EVENT_LOCK_INVENTORY);
    if (has_tables && load(&page.locks[0].gen) == PAGE_GEN_OTHERS)
        entry_emit(&page.locks[0], MSC_EVENT_LOCK_INVENTORY);
    else
        inventory_emit(&(struct msc_ev_lock_totals){.name = others_name});
}

static void say_farewell(void)
{
    interpose_say_farewell();
    holds_say_farewell();
    lock_emit_all();
}

__attribute__((constructor(101))) static void locks_prepare(void)
{
    msc_emit_at_farewell(say_farewell);
    msc_emit_at_audience(announce_all);
}
