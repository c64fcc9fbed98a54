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

/* The view and what it points into. */
struct owner {
    struct contention_view view; /* first: the view's address is the owner's */
    struct contention_lock *locks;
    struct contention_site *sites;
    struct contention_bucket *buckets;
    size_t site_count, bucket_count;
    struct contention_sampler *samplers;
};

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Cells of one lock together, releasers before waiters, cells of one site side by side. */
static int compare_rows(const void *left, const void *right)
{
    const struct contention_cell_key *a = &((const struct row *)left)->key;
    const struct contention_cell_key *b = &((const struct row *)right)->key;
    int order = compare(a->lock, b->lock);
    order = order ? order : compare(a->bucket != CONTENTION_RELEASE_CELL, b->bucket != CONTENTION_RELEASE_CELL);
    order = order ? order : compare(a->stack, b->stack);
    order = order ? order : compare(a->mode, b->mode);
    order = order ? order : compare(a->result, b->result);
    return order ? order : compare(a->bucket, b->bucket);
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
    order = order ? order : compare(b->wait_ns, a->wait_ns);
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

static void copy_locks(struct owner *owner, const struct contention *contention)
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
            .handoff_ns = contention_sum_rounded(&state->handoff),
            .max_wait_ns = state->max_wait_ns,
            .has_totals = state->has_totals,
            .totals = state->totals,
        };
    }
}

static bool same_site(const struct contention_cell_key *a, const struct contention_cell_key *b)
{
    return a->lock == b->lock && a->stack == b->stack && a->mode == b->mode && a->result == b->result &&
           (a->bucket == CONTENTION_RELEASE_CELL) == (b->bucket == CONTENTION_RELEASE_CELL);
}

static void add_row(struct owner *owner, struct contention_site *site, const struct row *row)
{
    uint64_t count = contention_sum_rounded(&row->cell->count), delay_ns = contention_sum_rounded(&row->cell->delay);
    site->count += count;
    site->delay_ns += delay_ns;
    if (row->cell->max_ns > site->max_ns)
        site->max_ns = row->cell->max_ns;
    if (row->key.bucket == CONTENTION_RELEASE_CELL)
        return;
    struct contention_bucket *bucket = &owner->buckets[owner->bucket_count++];
    *bucket = (struct contention_bucket){.bucket = row->key.bucket, .count = count, .delay_ns = delay_ns};
    if (site->bucket_count++ == 0)
        site->buckets = bucket;
}

static void attach_site(struct contention_lock *lock, const struct contention_site *site, bool is_release)
{
    if (is_release) {
        if (lock->releaser_count++ == 0)
            lock->releasers = site;
        lock->releases += site->count;
        lock->charge_ns += site->delay_ns;
    } else {
        if (lock->waiter_count++ == 0)
            lock->waiters = site;
        lock->waits += site->count;
        lock->wait_ns += site->delay_ns;
    }
}

static void group_sites(struct owner *owner, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count;) {
        const struct contention_cell_key *key = &rows[i].key;
        struct contention_site *site = &owner->sites[owner->site_count++];
        *site = (struct contention_site){.stack = key->stack, .mode = key->mode, .result = key->result};
        for (; i < count && same_site(key, &rows[i].key); i++)
            add_row(owner, site, &rows[i]);
        attach_site(&owner->locks[key->lock], site, key->bucket == CONTENTION_RELEASE_CELL);
    }
}

/* A lock's sites lie side by side in owner->sites: sorted in place, releasers and waiters apart. */
static void sort_sites(struct owner *owner, const struct contention_site *first, size_t count)
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

static void sum_up(struct owner *owner, size_t lock_count)
{
    struct contention_view *view = &owner->view;
    for (size_t i = 0; i < lock_count; i++) {
        const struct contention_lock *lock = &owner->locks[i];
        sort_sites(owner, lock->releasers, lock->releaser_count);
        sort_sites(owner, lock->waiters, lock->waiter_count);
        view->releases += lock->releases;
        view->charge_ns += lock->charge_ns;
        view->handoff_ns += lock->handoff_ns;
        view->waits += lock->waits;
        view->wait_ns += lock->wait_ns;
        view->totals_count += lock->has_totals;
        add_totals(&view->totals, &lock->totals);
    }
    qsort(owner->locks, lock_count, sizeof *owner->locks, compare_locks);
    view->locks = owner->locks;
    view->lock_count = lock_count;
}

static int allocate(struct owner *owner, const struct contention *contention)
{
    size_t cells = contention->cells.count; /* no more sites or buckets than cells; + 1: calloc(0) may be NULL */
    owner->locks = calloc(contention->locks.count + 1, sizeof *owner->locks);
    owner->sites = calloc(cells + 1, sizeof *owner->sites);
    owner->buckets = calloc(cells + 1, sizeof *owner->buckets);
    owner->samplers = calloc(contention->sampler_count + 1, sizeof *owner->samplers);
    return owner->locks && owner->sites && owner->buckets && owner->samplers ? 0 : -ENOMEM;
}

static void copy_samplers(struct owner *owner, const struct contention *contention)
{
    owner->view.samplers = owner->samplers;
    owner->view.sampler_count = contention->sampler_count;
    for (size_t i = 0; i < contention->sampler_count; i++)
        owner->samplers[i] = contention->samplers[i];
}

int contention_view_create(const struct contention *contention, struct contention_view **out)
{
    struct owner *owner = calloc(1, sizeof *owner);
    struct row *rows = sorted_rows(contention);
    if (!owner || !rows || allocate(owner, contention)) {
        free(rows);
        if (owner)
            contention_view_destroy(&owner->view);
        return -ENOMEM;
    }
    copy_locks(owner, contention);
    copy_samplers(owner, contention);
    group_sites(owner, rows, contention->cells.count);
    sum_up(owner, contention->locks.count);
    free(rows);
    *out = &owner->view;
    return 0;
}

void contention_view_destroy(struct contention_view *view)
{
    struct owner *owner = (struct owner *)view;
    if (!owner)
        return;
    free(owner->locks);
    free(owner->sites);
    free(owner->buckets);
    free(owner->samplers);
    free(owner);
}
