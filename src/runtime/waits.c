/* See waits.h. */
#include "runtime/waits.h"

#include "runtime/page.h"
#include "runtime/stack.h"
#include "runtime/thread.h"

enum { PROBES = 16, SEQUENCE_SHIFT = 8 };

_Static_assert(PAGE_STACK == MSC_STACK_MAX, "a stack fits");

uint32_t waits_index(const struct page_wait *slot)
{
    return (uint32_t)(slot - page.waits);
}

struct page_wait *waits_at(uint32_t index)
{
    return &page.waits[index % PAGE_WAITS];
}

/* Release: what was written before belongs to this phase. */
static void enter(struct page_wait *slot, enum page_wait_phase phase)
{
    uint64_t sequence = (atomic_load_explicit(&slot->state, memory_order_relaxed) >> SEQUENCE_SHIFT) + 1;
    atomic_store_explicit(&slot->state, sequence << SEQUENCE_SHIFT | phase, memory_order_release);
}

static bool try_claim(struct page_wait *slot)
{
    uint64_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    return page_wait_phase(state) == PAGE_WAIT_FREE &&
           atomic_compare_exchange_strong_explicit(&slot->state, &state, state | PAGE_WAIT_FILLING,
                                                   memory_order_acquire, memory_order_relaxed);
}

static struct page_wait *claim_any(void)
{
    if (!page_tables())
        return NULL;
    uint32_t first = thread_tid() * PROBES;
    for (uint32_t i = 0; i < PROBES; i++) {
        struct page_wait *slot = &page.waits[(first + i) % page_limits.waits];
        if (try_claim(slot))
            return slot;
    }
    return NULL;
}

struct page_wait *waits_claim(struct page_lock *entry, const struct contention_how *how, const void *frame,
                              enum page_wait_phase phase)
{
    struct page_wait *slot = claim_any();
    if (!slot)
        return NULL;
    uintptr_t pcs[MSC_STACK_MAX];
    struct msc_stack stack = stack_capture_from(pcs, frame);
    slot->gen = atomic_load_explicit(&entry->gen, memory_order_relaxed);
    slot->lock = (uint32_t)(entry - page.locks);
    slot->tid = thread_tid();
    slot->mode = (uint32_t)how->mode;
    slot->kind = (uint32_t)how->kind;
    atomic_store_explicit(&slot->begin_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->owner, 0, memory_order_relaxed);
    slot->stack_count = stack.count;
    for (uint32_t i = 0; i < stack.count; i++)
        slot->stack[i] = stack.pcs[i];
    if (phase != PAGE_WAIT_FILLING)
        enter(slot, phase);
    return slot;
}

void waits_begin(struct page_wait *slot, uint64_t begin_ns, uint32_t owner)
{
    atomic_store_explicit(&slot->begin_ns, begin_ns, memory_order_relaxed);
    atomic_store_explicit(&slot->owner, owner, memory_order_relaxed);
    enter(slot, PAGE_WAIT_WAITING);
}

void waits_end(struct page_wait *slot, uint64_t end_ns, uint64_t hold_seq, enum msc_wait_result result)
{
    atomic_store_explicit(&slot->end_ns, end_ns, memory_order_relaxed);
    atomic_store_explicit(&slot->hold_seq, hold_seq, memory_order_relaxed);
    atomic_store_explicit(&slot->result, (uint32_t)result, memory_order_relaxed);
    enter(slot, PAGE_WAIT_ENDED);
}

void waits_free(struct page_wait *slot)
{
    enter(slot, PAGE_WAIT_FREE);
}

uint64_t waits_length(struct page_wait *slot)
{
    return atomic_load_explicit(&slot->end_ns, memory_order_relaxed) -
           atomic_load_explicit(&slot->begin_ns, memory_order_relaxed);
}

void waits_describe(struct page_wait *slot, struct msc_ev_lock_wait *out)
{
    *out = (struct msc_ev_lock_wait){
        .lock_gen = slot->gen,
        .kind = slot->kind,
        .mode = slot->mode,
        .begin_ns = atomic_load_explicit(&slot->begin_ns, memory_order_relaxed),
        .wait_ns = waits_length(slot),
        .result = atomic_load_explicit(&slot->result, memory_order_relaxed),
        .owner_tid = atomic_load_explicit(&slot->owner, memory_order_relaxed),
        .hold_seq = atomic_load_explicit(&slot->hold_seq, memory_order_relaxed),
    };
}

struct msc_stack waits_stack(const struct page_wait *slot, uintptr_t pcs[MSC_STACK_MAX])
{
    uint32_t count = slot->stack_count < MSC_STACK_MAX ? slot->stack_count : MSC_STACK_MAX;
    for (uint32_t i = 0; i < count; i++)
        pcs[i] = (uintptr_t)slot->stack[i];
    return (struct msc_stack){pcs, count};
}
