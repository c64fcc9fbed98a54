/* See contention.h. */
#include "collector/analyses/contention.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/contention_state.h"
#include "support/vec.h"

int contention_create(struct stacks *stacks, struct contention **out)
{
    struct contention *contention = calloc(1, sizeof *contention);
    if (!contention)
        return -ENOMEM;
    contention->stacks = stacks;
    hashmap_init(&contention->locks, sizeof(struct contention_lock_key), sizeof(struct contention_lock_state));
    hashmap_init(&contention->cells, sizeof(struct contention_cell_key), sizeof(struct contention_cell));
    hashmap_init(&contention->threads, sizeof(struct contention_thread_key), sizeof(str_id));
    hashmap_init(&contention->rounds, sizeof(uint32_t), sizeof(struct contention_rounds));
    hashmap_init(&contention->maps, sizeof(struct contention_map_key), sizeof(str_id));
    int error = strtab_create(&contention->names);
    if (error) {
        contention_destroy(contention);
        return error;
    }
    *out = contention;
    return 0;
}

void contention_destroy(struct contention *contention)
{
    if (!contention)
        return;
    strtab_destroy(contention->names);
    hashmap_fini(&contention->locks);
    hashmap_fini(&contention->cells);
    hashmap_fini(&contention->threads);
    hashmap_fini(&contention->rounds);
    hashmap_fini(&contention->maps);
    free(contention->samplers);
    free(contention->notes);
    free(contention);
}

/* Values of a damaged trace may be anything: they saturate, so that a profile's int64 never turns negative. */
static void add(struct contention_sum *sum, uint64_t value, uint64_t weight)
{
    unsigned __int128 product = (unsigned __int128)value * weight;
    unsigned __int128 whole = sum->whole + (product / EVENT_WEIGHT_ONE);
    sum->whole = whole < INT64_MAX / 2 ? (uint64_t)whole : INT64_MAX / 2;
    sum->fraction += (uint64_t)(product % EVENT_WEIGHT_ONE);
}

static int intern_text(struct contention *contention, const struct event_text *text, str_id *out)
{
    return text->length ? strtab_intern(contention->names, text->data, strnlen(text->data, text->length), out) : 0;
}

static int lock_of(struct contention *contention, const struct event *event, const struct event_object *object,
                   const struct event_text *name, uint32_t kind, struct contention_lock_state **out)
{
    struct contention_lock_key key = {.address = object->address, .generation = object->generation, .pid = event->pid};
    bool is_new;
    struct contention_lock_state *lock = hashmap_put(&contention->locks, &key, &is_new);
    if (!lock)
        return -ENOMEM;
    if (is_new) {
        lock->id = (uint32_t)contention->locks.count - 1;
        lock->kind = kind;
    }
    *out = lock;
    return lock->name ? 0 : intern_text(contention, name, &lock->name);
}

/* What one sample adds to the variance of a sum: (value w)^2 (1 - 1/w). */
static double variance(uint64_t value, uint64_t weight)
{
    double w = (double)weight / (double)EVENT_WEIGHT_ONE, weighted = (double)value * w;
    return weight > EVENT_WEIGHT_ONE ? weighted * weighted * (1 - 1 / w) : 0;
}

static str_id thread_of(const struct contention *contention, const struct event *event)
{
    struct contention_thread_key key = {event->pid, event->tid};
    const str_id *name = hashmap_find(&contention->threads, &key);
    return name ? *name : 0;
}

/* `key` lacks the stack and the thread. */
static int add_to_cell(struct contention *contention, const struct event *event, struct contention_cell_key *key,
                       uint64_t delay_ns, uint64_t weight)
{
    int error = stacks_intern(contention->stacks, event->pid, event->stack.pcs, event->stack.count, event->time_ns,
                              &key->stack);
    key->thread = thread_of(contention, event);
    struct contention_cell *cell = error ? NULL : hashmap_put(&contention->cells, key, NULL);
    if (!cell)
        return -ENOMEM;
    add(&cell->count, 1, weight);
    add(&cell->delay, delay_ns, weight);
    cell->count_variance += variance(1, weight);
    cell->delay_variance += variance(delay_ns, weight);
    if (delay_ns > cell->max_ns)
        cell->max_ns = delay_ns;
    return 0;
}

static int apply_release(struct contention *contention, const struct event *event)
{
    const struct event_lock_release *release = &event->lock_release;
    struct contention_lock_state *lock;
    int error = lock_of(contention, event, &release->lock, &release->name, release->kind, &lock);
    if (error)
        return error;
    add(&lock->handoff, release->handoff_ns, release->weight);
    lock->mutex_variance += variance(release->charge_ns + release->handoff_ns, release->weight);
    if (release->charge_ns == 0)
        return 0; /* only the hand-off before this hold was contended: nobody's critical section */
    struct contention_cell_key key = {
        .lock = lock->id, .role = CONTENTION_RELEASES, .mode = release->mode, .kind = release->kind};
    return add_to_cell(contention, event, &key, release->charge_ns, release->weight);
}

static int apply_wait(struct contention *contention, const struct event *event)
{
    const struct event_lock_wait *wait = &event->lock_wait;
    struct contention_lock_state *lock;
    int error = lock_of(contention, event, &wait->lock, &wait->name, wait->kind, &lock);
    if (error)
        return error;
    if (wait->wait_ns > lock->max_wait_ns)
        lock->max_wait_ns = wait->wait_ns;
    struct contention_cell_key key = {.lock = lock->id,
                                      .role = CONTENTION_WAITS,
                                      .mode = wait->mode,
                                      .result = wait->result,
                                      .bucket = contention_bucket_of(wait->wait_ns),
                                      .kind = wait->kind};
    return add_to_cell(contention, event, &key, wait->wait_ns, wait->weight);
}

static int apply_hold(struct contention *contention, const struct event *event)
{
    const struct event_lock_hold *hold = &event->lock_hold;
    struct contention_lock_state *lock;
    int error = lock_of(contention, event, &hold->lock, &hold->name, hold->kind, &lock);
    if (error)
        return error;
    struct contention_cell_key key = {
        .lock = lock->id, .role = CONTENTION_HOLDS, .mode = hold->mode, .kind = hold->kind};
    return add_to_cell(contention, event, &key, hold->hold_ns, hold->weight);
}

static int apply_map(struct contention *contention, const struct event *event)
{
    struct contention_map_key key = {.address = event->map_life.map.address, .pid = event->pid};
    str_id *name = hashmap_put(&contention->maps, &key, NULL);
    if (!name)
        return -ENOMEM;
    *name = 0;
    return intern_text(contention, &event->map_life.name, name);
}

static int find_map(struct contention *contention, uint32_t pid, uint64_t address, str_id *out)
{
    char text[20];
    struct contention_map_key key = {.address = address, .pid = pid};
    const str_id *name = hashmap_find(&contention->maps, &key);
    if (address == 0)
        return 0;
    if (name && *name) {
        *out = *name;
        return 0;
    }
    int length = snprintf(text, sizeof text, "0x%" PRIx64, address);
    return strtab_intern(contention->names, text, (size_t)length, out);
}

static int apply_thread(struct contention *contention, const struct event *event)
{
    struct contention_thread_key key = {event->pid, event->tid};
    str_id *name = hashmap_put(&contention->threads, &key, NULL);
    return name ? intern_text(contention, &event->thread.name, name) : -ENOMEM;
}

static int apply_totals(struct contention *contention, const struct event *event, struct contention_lock_state **out)
{
    const struct event_lock_totals *from = &event->lock_totals;
    struct contention_totals totals = contention_totals_told(from);
    int error = lock_of(contention, event, &from->lock, &from->name, from->kind, out);
    if (error)
        return error;
    contention_totals_raise(&(*out)->totals, &totals);
    (*out)->site = from->site ? from->site : (*out)->site;
    return find_map(contention, event->pid, from->map, &(*out)->map);
}

/* When the lock or the process ends. */
static int apply_end(struct contention *contention, const struct event *event)
{
    struct contention_lock_state *lock;
    int error = apply_totals(contention, event, &lock);
    if (!error)
        lock->has_totals = true;
    return error;
}

static int apply_inventory(struct contention *contention, const struct event *event)
{
    struct contention_lock_state *lock;
    int error = apply_totals(contention, event, &lock);
    if (!error)
        error = contention_totals_round(contention, event->pid, event->lock_totals.round);
    if (!error)
        contention_totals_begin(lock, &event->lock_totals);
    return error;
}

/* ---- what had not ended ---- */

static int apply_open_lock(struct contention *contention, const struct event *as, const struct lock_snapshot_lock *open)
{
    struct event_text name = {.data = open->name, .length = (uint32_t)strlen(open->name)};
    struct contention_lock_state *lock;
    int error = lock_of(contention, as, &open->object, &name, open->kind, &lock);
    if (error)
        return error;
    struct contention_thread_key holder = {as->pid, open->holder_tid};
    const str_id *thread = hashmap_find(&contention->threads, &holder);
    contention_totals_raise(&lock->totals, &open->totals);
    lock->has_totals = true;
    lock->site = open->site ? open->site : lock->site;
    add(&lock->handoff, open->handoff_ns, EVENT_WEIGHT_ONE);
    if (open->is_free) {
        add(&lock->handoff, open->owed_ns, EVENT_WEIGHT_ONE);
    } else {
        lock->still_held_ns = open->owed_ns;
        lock->holder_tid = open->holder_tid;
        lock->holder = thread ? *thread : 0;
        lock->still_held_mode = open->mode;
    }
    return find_map(contention, as->pid, open->map, &lock->map);
}

/* A wait that ended before its process did, without having been told, is one like others. */
static int apply_open_wait(struct contention *contention, struct event *as, const struct lock_snapshot *snapshot,
                           struct lock_snapshot_wait *wait)
{
    const struct lock_snapshot_lock *open = &snapshot->locks[wait->lock];
    struct contention_lock_state *lock;
    bool has_ended = wait->state == LOCK_WAIT_ENDED;
    if (wait->state == LOCK_WAIT_SIGNAL)
        return 0;
    int error = lock_of(contention, as, &open->object, &(struct event_text){.data = ""}, open->kind, &lock);
    if (error)
        return error;
    as->tid = wait->tid;
    as->stack = (struct event_stack){wait->pcs, wait->pc_count};
    struct contention_cell_key key = {.lock = lock->id,
                                      .role = has_ended ? CONTENTION_WAITS : CONTENTION_STILL_WAITS,
                                      .mode = wait->mode,
                                      .result = has_ended ? wait->result : CONTENTION_ACQUIRED,
                                      .bucket = contention_bucket_of(wait->wait_ns),
                                      .kind = wait->kind};
    error = add_to_cell(contention, as, &key, wait->wait_ns, EVENT_WEIGHT_ONE);
    wait->stack = key.stack;
    return error;
}

int contention_apply_snapshot(struct contention *contention, struct lock_snapshot *snapshot)
{
    struct event as = {.pid = snapshot->pid, .time_ns = snapshot->at_ns};
    int error = 0;
    for (size_t i = 0; !error && i < snapshot->lock_count; i++)
        error = apply_open_lock(contention, &as, &snapshot->locks[i]);
    for (size_t i = 0; !error && i < snapshot->wait_count; i++)
        error = apply_open_wait(contention, &as, snapshot, &snapshot->waits[i]);
    return error;
}

static int apply_sampler(struct contention *contention, const struct event_sampler_config *config)
{
    struct contention_sampler sampler = {config->mutex_mode, config->mutex_fraction, config->mutex_rate_ns};
    for (size_t i = 0; i < contention->sampler_count; i++) {
        const struct contention_sampler *known = &contention->samplers[i];
        if (known->mode == sampler.mode && known->fraction == sampler.fraction && known->rate_ns == sampler.rate_ns)
            return 0;
    }
    int error = VEC_RESERVE(contention->samplers, contention->sampler_count, contention->sampler_capacity, 1);
    if (!error)
        contention->samplers[contention->sampler_count++] = sampler;
    return error;
}

/* What our own hooks say of the recording: a log of category "mapscope". */
static int apply_note(struct contention *contention, const struct event_note *note)
{
    enum { NOTES_MAX = 100 };
    static const char ours[] = "mapscope";
    str_id id = 0;
    if (note->category.length != sizeof ours - 1 || memcmp(note->category.data, ours, sizeof ours - 1) != 0)
        return 0;
    int error = intern_text(contention, &note->message, &id);
    const char *text = strtab_text(contention->names, id);
    for (size_t i = 0; i < contention->note_count && !error; i++)
        if (contention->notes[i] == text)
            return 0;
    if (error || id == 0 || contention->note_count == NOTES_MAX)
        return error;
    error = VEC_RESERVE(contention->notes, contention->note_count, contention->note_capacity, 1);
    if (!error)
        contention->notes[contention->note_count++] = text;
    return error;
}

int contention_apply(struct contention *contention, const struct event *event)
{
    switch (event->kind) {
    case EVENT_LOCK_RELEASE:
        return apply_release(contention, event);
    case EVENT_LOCK_WAIT:
        return apply_wait(contention, event);
    case EVENT_LOCK_TOTALS:
        return apply_end(contention, event);
    case EVENT_LOCK_HOLD:
        return apply_hold(contention, event);
    case EVENT_LOCK_INVENTORY:
        return apply_inventory(contention, event);
    case EVENT_SAMPLER_CONFIG:
        return apply_sampler(contention, &event->sampler_config);
    case EVENT_THREAD_START:
        return apply_thread(contention, event);
    case EVENT_MAP_ALLOC:
    case EVENT_MAP_INVENTORY:
        return apply_map(contention, event);
    case EVENT_LOG:
        return apply_note(contention, &event->note);
    default:
        return 0;
    }
}
