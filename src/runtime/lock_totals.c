/* The totals of locks as they go out, see locks.h: when one is destroyed, at the end, and to each new audience. */
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/contention.h"
#include "runtime/emit.h"
#include "runtime/entries.h"
#include "runtime/holds.h"
#include "runtime/interpose.h"

/* `name` is what out->name points to. */
static void totals_read(struct page_lock *entry, struct msc_ev_lock_totals *out, char name[PAGE_NAME])
{
    entry_name_read(entry, name);
    *out = (struct msc_ev_lock_totals){
        .lock = sum_load(&entry->lock),
        .name = name,
        .kind = atomic_load_explicit(&entry->kind, memory_order_relaxed),
        .map = sum_load(&entry->map),
        .site = sum_load(&entry->site),
        .ops = sum_load(&entry->ops),
        .contentions = sum_load(&entry->contentions) + sum_load(&entry->vain),
        .wait_ns = sum_load(&entry->wait_ns) + sum_load(&entry->vain_ns),
        .charge_ns = sum_load(&entry->charge_ns),
        .handoff_ns = sum_load(&entry->handoff_ns),
        .max_ns = sum_load(&entry->max_ns),
        .dropped = sum_load(&entry->dropped),
    };
}

static bool is_contended(const struct msc_ev_lock_totals *totals)
{
    return totals->contentions || totals->dropped;
}

static void add_to_others(const struct msc_ev_lock_totals *totals)
{
    struct page_lock *entry = entry_others();
    if (!entry)
        return;
    sum_add(&entry->ops, totals->ops);
    sum_add(&entry->contentions, totals->contentions);
    sum_add(&entry->wait_ns, totals->wait_ns);
    sum_add(&entry->charge_ns, totals->charge_ns);
    sum_add(&entry->handoff_ns, totals->handoff_ns);
    sum_add(&entry->dropped, totals->dropped);
    sum_raise(&entry->max_ns, totals->max_ns);
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
    totals.lock_gen = sum_load(&entry->gen);
    contention_abandon(entry);
    entry_give_back(entry);
    if (is_contended(&totals) && msc_gate_on(MSC_EVENT_LOCK_TOTALS))
        msc_emit(MSC_EVENT_LOCK_TOTALS, &totals);
    else
        add_to_others(&totals);
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
        atomic_load_explicit(&copy.entry, memory_order_relaxed) == entry_index(entry) && sum_load(&copy.gen) == gen)
        entry_note_ops(entry, sum_load(&copy.hold_seq));
}

static void entry_emit(struct page_lock *entry, enum msc_event event)
{
    uint64_t gen = atomic_load_explicit(&entry->gen, memory_order_acquire);
    if (gen == 0 || gen == PAGE_GEN_CLAIMED)
        return;
    if (entry_counts_ops(entry))
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
    if (has_tables && sum_load(&page.locks[0].gen) == PAGE_GEN_OTHERS)
        entry_emit(&page.locks[0], MSC_EVENT_LOCK_INVENTORY);
    else
        inventory_emit(&(struct msc_ev_lock_totals){.name = ENTRY_OTHERS_NAME});
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
