/* The snapshot of contention.c's cells that outputs read: sorted, grouped by lock and site, rounded once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/contention.h"
#include "collector/analyses/contention_state.h"

struct row {
    struct contention_cell_key key;
    const struct contention_cell *cell; /* borrowed from the analysis */
};

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_site_keys(const struct contention_cell_key *a, const struct contention_cell_key *b)
{
    int order = compare(a->lock, b->lock);
    order = order ? order : compare(a->role, b->role);
    order = order ? order : compare(a->stack, b->stack);
    order = order ? order : compare(a->mode, b->mode);
    return order ? order : compare(a->result, b->result);
}

/* Cells of one lock together, roles in order, cells of one site side by side. */
static int compare_rows(const void *left, const void *right)
{
    const struct contention_cell_key *a = &((const struct row *)left)->key;
    const struct contention_cell_key *b = &((const struct row *)right)->key;
    int order = compare_site_keys(a, b);
    order = order ? order : compare(a->bucket, b->bucket);
    order = order ? order : compare(a->kind, b->kind);
    return order ? order : compare(a->thread, b->thread);
}

static int compare_sites(const void *left, const void *right)
{
    const struct contention_site *a = left, *b = right;
    int order = compare(b->delay_ns, a->delay_ns);
    order = order ? order : compare(b->count, a->count);
    order = order ? order : compare(a->stack, b->stack);
    order = order ? order : compare(a->mode, b->mode);
    return order ? order : compare(a->result, b->result);
}

static int compare_locks(const void *left, const void *right)
{
    const struct contention_lock *a = left, *b = right;
    int order = compare(contention_lock_balance(b).mutex_ns, contention_lock_balance(a).mutex_ns);
    order = order ? order : compare(contention_lock_balance(b).block_ns, contention_lock_balance(a).block_ns);
    order = order ? order : compare(b->totals.ops, a->totals.ops);
    order = order ? order : compare(a->pid, b->pid);
    order = order ? order : compare(a->object.address, b->object.address);
    return order ? order : compare(a->object.generation, b->object.generation);
}

static struct row *sorted_rows(const struct contention *contention)
{
    struct row *rows = calloc(contention->cells.count + 1, sizeof *rows);
    if (!rows)
        return NULL;
    const void *key;
    void *cell;
    struct row *row = rows;
    for (size_t at = 0; hashmap_next(&contention->cells, &at, &key, &cell); row++) {
        memcpy(&row->key, key, sizeof row->key);
        row->cell = cell;
    }
    qsort(rows, contention->cells.count, sizeof *rows, compare_rows);
    return rows;
}

static void copy_locks(struct contention_view_owner *owner, const struct contention *contention)
{
    const void *key;
    void *value;
    for (size_t at = 0; hashmap_next(&contention->locks, &at, &key, &value);) {
        const struct contention_lock_key *id = key;
        const struct contention_lock_state *state = value;
        owner->locks[state->id] = (struct contention_lock){
            .pid = (uint32_t)id->pid,
            .object = {.address = id->address, .generation = id->generation},
            .name = strtab_text(contention->names, state->name),
            .kind = state->kind,
            .site = state->site,
            .map = strtab_text(contention->names, state->map),
            .mutex_variance = state->mutex_variance,
            .still_held_ns = state->still_held_ns,
            .holder = strtab_text(contention->names, state->holder),
            .holder_tid = state->holder_tid,
            .still_held_mode = state->still_held_mode,
            .handoff_ns = contention_sum_rounded(&state->handoff),
            .max_wait_ns = state->max_wait_ns,
        };
        struct contention_lock *lock = &owner->locks[state->id];
        lock->has_totals = contention_totals_of(contention, lock->pid, state, &lock->totals);
    }
}

static void add_row(struct contention_view_owner *owner, struct contention_site *site, const struct row *row,
                    const char *thread)
{
    const struct contention_cell *cell = row->cell;
    struct contention_part *part = &owner->parts[owner->part_count++];
    *part = (struct contention_part){.kind = row->key.kind,
                                     .bucket = row->key.bucket,
                                     .thread = thread,
                                     .count = contention_sum_rounded(&cell->count),
                                     .delay_ns = contention_sum_rounded(&cell->delay)};
    if (site->part_count++ == 0)
        site->parts = part;
    site->count += part->count;
    site->delay_ns += part->delay_ns;
    site->count_variance += cell->count_variance;
    site->delay_variance += cell->delay_variance;
    if (cell->max_ns > site->max_ns)
        site->max_ns = cell->max_ns;
}

static void attach_site(struct contention_lock *lock, const struct contention_site *site, uint32_t role)
{
    const struct {
        const struct contention_site **first;
        size_t *count;
        uint64_t *events, *delay_ns;
    } lists[CONTENTION_ROLES] = {
        [CONTENTION_RELEASES] = {&lock->releasers, &lock->releaser_count, &lock->releases, &lock->charge_ns},
        [CONTENTION_WAITS] = {&lock->waiters, &lock->waiter_count, &lock->waits, &lock->wait_ns},
        [CONTENTION_HOLDS] = {&lock->holds, &lock->hold_count, &lock->hold_events, &lock->held_ns},
        [CONTENTION_STILL_WAITS] = {&lock->still_waiters, &lock->still_waiter_count, &lock->still_waits,
                                    &lock->still_wait_ns},
    };
    if ((*lists[role].count)++ == 0)
        *lists[role].first = site;
    *lists[role].events += site->count;
    *lists[role].delay_ns += site->delay_ns;
    if (role == CONTENTION_WAITS)
        lock->wait_variance += site->delay_variance;
    if (role == CONTENTION_HOLDS)
        lock->hold_variance += site->delay_variance;
}

static void group_sites(struct contention_view_owner *owner, const struct contention *contention,
                        const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count;) {
        const struct contention_cell_key *key = &rows[i].key;
        struct contention_site *site = &owner->sites[owner->site_count++];
        *site = (struct contention_site){.stack = key->stack, .mode = key->mode, .result = key->result};
        for (; i < count && compare_site_keys(key, &rows[i].key) == 0; i++)
            add_row(owner, site, &rows[i], strtab_text(contention->names, rows[i].key.thread));
        attach_site(&owner->locks[key->lock], site, key->role);
    }
}

/* A lock's sites lie side by side in owner->sites: sorted in place, releasers and waiters apart. */
static void sort_sites(struct contention_view_owner *owner, const struct contention_site *first, size_t count)
{
    if (count)
        qsort(owner->sites + (first - owner->sites), count, sizeof *first, compare_sites);
}

static void add_totals(struct contention_totals *sum, const struct contention_totals *totals)
{
    sum->ops += totals->ops;
    sum->contentions += totals->contentions;
    sum->wait_ns += totals->wait_ns;
    sum->charge_ns += totals->charge_ns;
    sum->handoff_ns += totals->handoff_ns;
    sum->dropped += totals->dropped;
    if (totals->max_ns > sum->max_ns)
        sum->max_ns = totals->max_ns;
}

static void sum_up(struct contention_view_owner *owner, size_t lock_count)
{
    struct contention_view *view = &owner->view;
    for (size_t i = 0; i < lock_count; i++) {
        const struct contention_lock *lock = &owner->locks[i];
        sort_sites(owner, lock->releasers, lock->releaser_count);
        sort_sites(owner, lock->waiters, lock->waiter_count);
        sort_sites(owner, lock->holds, lock->hold_count);
        sort_sites(owner, lock->still_waiters, lock->still_waiter_count);
        view->releases += lock->releases;
        view->charge_ns += lock->charge_ns;
        view->handoff_ns += lock->handoff_ns;
        view->waits += lock->waits;
        view->wait_ns += lock->wait_ns;
        view->holds += lock->hold_events;
        view->held_ns += lock->held_ns;
        view->still_held_ns += lock->still_held_ns;
        view->still_waits += lock->still_waits;
        view->still_wait_ns += lock->still_wait_ns;
        view->mutex_variance += lock->mutex_variance;
        view->wait_variance += lock->wait_variance;
        view->hold_variance += lock->hold_variance;
        view->totals_count += lock->has_totals;
        add_totals(&view->totals, &lock->totals);
    }
    qsort(owner->locks, lock_count, sizeof *owner->locks, compare_locks);
    view->locks = owner->locks;
    view->lock_count = lock_count;
}

static int allocate(struct contention_view_owner *owner, const struct contention *contention)
{
    size_t cells = contention->cells.count; /* no more sites or parts than cells; + 1: calloc(0) may be NULL */
    owner->locks = calloc(contention->locks.count + 1, sizeof *owner->locks);
    owner->sites = calloc(cells + 1, sizeof *owner->sites);
    owner->parts = calloc(cells + 1, sizeof *owner->parts);
    owner->samplers = calloc(contention->sampler_count + 1, sizeof *owner->samplers);
    owner->notes = calloc(contention->note_count + 1, sizeof *owner->notes);
    return owner->notes && owner->locks && owner->sites && owner->parts && owner->samplers ? 0 : -ENOMEM;
}

static void copy_notes(struct contention_view_owner *owner, const struct contention *contention)
{
    owner->view.notes = owner->notes;
    owner->view.note_count = contention->note_count;
    for (size_t i = 0; i < contention->note_count; i++)
        owner->notes[i] = contention->notes[i];
}

static void copy_samplers(struct contention_view_owner *owner, const struct contention *contention)
{
    owner->view.samplers = owner->samplers;
    owner->view.sampler_count = contention->sampler_count;
    for (size_t i = 0; i < contention->sampler_count; i++)
        owner->samplers[i] = contention->samplers[i];
}

int contention_view_create(const struct contention *contention, struct contention_view **out)
{
    struct contention_view_owner *owner = calloc(1, sizeof *owner);
    struct row *rows = sorted_rows(contention);
    if (!owner || !rows || allocate(owner, contention)) {
        free(rows);
        if (owner)
            contention_view_destroy(&owner->view);
        return -ENOMEM;
    }
    copy_locks(owner, contention);
    copy_samplers(owner, contention);
    copy_notes(owner, contention);
    group_sites(owner, contention, rows, contention->cells.count);
    sum_up(owner, contention->locks.count);
    free(rows);
    *out = &owner->view;
    return 0;
}

void contention_view_destroy(struct contention_view *view)
{
    struct contention_view_owner *owner = (struct contention_view_owner *)view;
    if (!owner)
        return;
    free(owner->locks);
    free(owner->sites);
    free(owner->parts);
    free(owner->samplers);
    free(owner->notes);
    strtab_destroy(owner->titles);
    free(owner);
}
