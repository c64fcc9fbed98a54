/* See locks.h. Start reading at lock_enroll. */
#include "runtime/locks.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/emit.h"
#include "runtime/object.h"
#include "runtime/thread.h"

enum {
    ENTRIES = 4096,
    PROBES = 256, /* entries looked at before giving up */
    TAG_SHIFT = 48,
    NAME_SIZE = 128, /* with its NUL; the rest of a name is cut */
};

/* A copy, since a library that was unloaded took the names of its locks along. */
struct name {
    _Alignas(uint64_t) char text[NAME_SIZE];
};

/* All are sums or maxima that nothing else depends on: relaxed throughout. */
struct lock_entry {
    _Atomic uint64_t owner; /* tagged generation; release, pairs with the acquire of whoever walks the table */
    const struct lock_id *_Atomic id;
    _Atomic uint64_t name[NAME_SIZE / sizeof(uint64_t)]; /* a struct name */
    _Atomic uint64_t lock;
    _Atomic uint32_t kind;
    _Atomic uint64_t first_op; /* holds that are not this process's */
    _Atomic uint64_t last_op;  /* holds when they were last looked at */
    _Atomic uint64_t contentions, wait_ns, charge_ns, handoff_ns, max_ns, dropped;
};

static struct lock_entry entries[ENTRIES];
static struct lock_entry others;

/* --- Whose entry it is --------------------------------------------------------------------------------- */

/* A parent's entries are free in its child, because the tag, the number of forks, is another. */
static uint64_t tagged(uint64_t gen)
{
    return (uint64_t)atomic_load_explicit(&thread_forks, memory_order_relaxed) << TAG_SHIFT | gen;
}

static uint64_t being_claimed(void)
{
    return tagged((UINT64_C(1) << TAG_SHIFT) - 1);
}

static bool is_free(uint64_t owner)
{
    return owner >> TAG_SHIFT != tagged(0) >> TAG_SHIFT || owner == tagged(0);
}

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

static uint64_t gen_of(struct lock_id *id)
{
    uint64_t none = 0;
    if (load(&id->gen) == 0)
        atomic_compare_exchange_strong_explicit(&id->gen, &none, object_generation(), memory_order_relaxed,
                                                memory_order_relaxed);
    return load(&id->gen);
}

/* --- Claiming and giving back -------------------------------------------------------------------------- */

/* The holds that a child inherited from its parent are none of its own. */
static uint64_t inherited_ops(struct lock_id *id)
{
    return atomic_load_explicit(&thread_forks, memory_order_relaxed) ? load(&id->hold_seq) : 0;
}

static void name_write(struct lock_entry *entry, const char *from)
{
    struct name name = {""};
    memcpy(name.text, from, strnlen(from, NAME_SIZE - 1));
    for (size_t i = 0; i < NAME_SIZE / sizeof(uint64_t); i++) {
        uint64_t word;
        memcpy(&word, name.text + i * sizeof word, sizeof word);
        store(&entry->name[i], word);
    }
}

static void name_read(struct lock_entry *entry, struct name *out)
{
    for (size_t i = 0; i < NAME_SIZE / sizeof(uint64_t); i++) {
        uint64_t word = load(&entry->name[i]);
        memcpy(out->text + i * sizeof word, &word, sizeof word);
    }
}

static void entry_fill(struct lock_entry *entry, struct lock_id *id, uint64_t lock, uint32_t kind)
{
    atomic_store_explicit(&entry->id, id, memory_order_relaxed);
    name_write(entry, id->name ? id->name : "");
    atomic_store_explicit(&entry->kind, kind, memory_order_relaxed);
    store(&entry->lock, lock);
    store(&entry->first_op, inherited_ops(id));
    store(&entry->last_op, load(&entry->first_op));
    store(&entry->contentions, 0);
    store(&entry->wait_ns, 0);
    store(&entry->charge_ns, 0);
    store(&entry->handoff_ns, 0);
    store(&entry->max_ns, 0);
    store(&entry->dropped, 0);
}

static struct lock_entry *entry_claim(uint64_t gen)
{
    for (uint64_t i = gen; i < gen + PROBES; i++) {
        struct lock_entry *entry = &entries[i % ENTRIES];
        uint64_t owner = load(&entry->owner);
        if (is_free(owner) && atomic_compare_exchange_strong_explicit(&entry->owner, &owner, being_claimed(),
                                                                      memory_order_acquire, memory_order_relaxed))
            return entry;
    }
    return &others;
}

static void entry_give_back(struct lock_entry *entry)
{
    if (entry != &others)
        atomic_store_explicit(&entry->owner, tagged(0), memory_order_release);
}

static struct lock_entry *entry_of(struct lock_id *id)
{
    return atomic_load_explicit(&id->entry, memory_order_acquire);
}

/* Whether `entry` is what the lock has in this process, and not what it had in a parent. */
static bool is_enrolled(struct lock_id *id, struct lock_entry *entry)
{
    return entry == &others || (entry && load(&entry->owner) == tagged(load(&id->gen)));
}

void lock_enroll(struct lock_id *id, uint64_t lock, uint32_t kind)
{
    struct lock_entry *known = entry_of(id);
    if (is_enrolled(id, known))
        return;
    uint64_t gen = gen_of(id);
    struct lock_entry *entry = entry_claim(gen);
    if (entry != &others) {
        entry_fill(entry, id, lock, kind);
        atomic_store_explicit(&entry->owner, tagged(gen), memory_order_release);
    }
    if (!atomic_compare_exchange_strong_explicit(&id->entry, &known, entry, memory_order_acq_rel, memory_order_acquire))
        entry_give_back(entry); /* another thread was faster */
}

/* --- Sums ---------------------------------------------------------------------------------------------- */

void lock_add_wait(struct lock_id *id, uint64_t wait_ns)
{
    struct lock_entry *entry = entry_of(id);
    add(&entry->contentions, 1);
    add(&entry->wait_ns, wait_ns);
    raise_to(&entry->max_ns, wait_ns);
    if (entry != &others)
        raise_to(&entry->last_op, load(&id->hold_seq));
}

void lock_add_charge(struct lock_id *id, uint64_t charge_ns)
{
    add(&entry_of(id)->charge_ns, charge_ns);
}

void lock_add_handoff(struct lock_id *id, uint64_t handoff_ns)
{
    add(&entry_of(id)->handoff_ns, handoff_ns);
}

void lock_add_dropped(struct lock_id *id)
{
    add(&entry_of(id)->dropped, 1);
}

/* --- Totals -------------------------------------------------------------------------------------------- */

/* `name` is what out->name points to. */
static void totals_read(struct lock_entry *entry, struct msc_ev_lock_totals *out, struct name *name)
{
    name_read(entry, name);
    *out = (struct msc_ev_lock_totals){
        .lock = load(&entry->lock),
        .name = name->text,
        .kind = atomic_load_explicit(&entry->kind, memory_order_relaxed),
        .ops = load(&entry->last_op) - load(&entry->first_op),
        .contentions = load(&entry->contentions),
        .wait_ns = load(&entry->wait_ns),
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
    add(&others.last_op, totals->ops);
    add(&others.contentions, totals->contentions);
    add(&others.wait_ns, totals->wait_ns);
    add(&others.charge_ns, totals->charge_ns);
    add(&others.handoff_ns, totals->handoff_ns);
    add(&others.dropped, totals->dropped);
    raise_to(&others.max_ns, totals->max_ns);
}

void lock_retire(struct lock_id *id)
{
    struct lock_entry *entry = entry_of(id);
    if (!entry || entry == &others) {
        add(&others.last_op, load(&id->hold_seq));
    } else if (is_enrolled(id, entry)) {
        store(&entry->last_op, load(&id->hold_seq));
        struct msc_ev_lock_totals totals;
        struct name name;
        totals_read(entry, &totals, &name);
        totals.lock_gen = load(&id->gen);
        entry_give_back(entry);
        if (is_contended(&totals) && msc_gate_on(MSC_EVENT_LOCK_TOTALS))
            msc_emit(MSC_EVENT_LOCK_TOTALS, &totals);
        else
            add_to_others(&totals);
    }
    store(&id->hold_seq, 0);
    store(&id->gen, 0);
    atomic_store_explicit(&id->entry, NULL, memory_order_relaxed);
}

/* The program may have freed the lock without a word, and unmapped the memory: the kernel checks that. */
static void look_at_ops(struct lock_entry *entry)
{
    struct lock_id copy;
    struct iovec to = {&copy, sizeof copy};
    struct iovec from = {.iov_base = (void *)(uintptr_t)atomic_load_explicit(&entry->id, memory_order_relaxed),
                         .iov_len = sizeof copy};
    if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) == sizeof copy &&
        atomic_load_explicit(&copy.entry, memory_order_relaxed) == entry)
        raise_to(&entry->last_op, load(&copy.hold_seq));
}

static void entry_emit(struct lock_entry *entry)
{
    uint64_t owner = atomic_load_explicit(&entry->owner, memory_order_acquire);
    if (is_free(owner) || owner == being_claimed())
        return;
    look_at_ops(entry);
    struct msc_ev_lock_totals totals;
    struct name name;
    totals_read(entry, &totals, &name);
    totals.lock_gen = owner & ((UINT64_C(1) << TAG_SHIFT) - 1);
    /* Still the same lock's? Adding nothing, unlike a load, comes after the loads above. */
    bool same = atomic_fetch_add_explicit(&entry->owner, 0, memory_order_acq_rel) == owner;
    if (same && (totals.ops || is_contended(&totals)))
        msc_emit(MSC_EVENT_LOCK_TOTALS, &totals);
}

void lock_emit_all(void)
{
    if (!msc_gate_on(MSC_EVENT_LOCK_TOTALS))
        return;
    for (struct lock_entry *entry = entries; entry < entries + ENTRIES; entry++)
        entry_emit(entry);
    struct msc_ev_lock_totals totals;
    struct name none;
    totals_read(&others, &totals, &none);
    totals.name = "[other locks]";
    if (totals.ops || is_contended(&totals))
        msc_emit(MSC_EVENT_LOCK_TOTALS, &totals);
}

static void others_in_child(void)
{
    static struct lock_id none;
    entry_fill(&others, &none, 0, 0);
}

__attribute__((constructor(101))) static void locks_prepare(void)
{
    pthread_atfork(NULL, NULL, others_in_child);
    msc_emit_at_farewell(lock_emit_all);
}
