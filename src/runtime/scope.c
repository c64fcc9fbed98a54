/*
 * Deferred cleanup. See mapscope/scope.h.
 *
 * Actions lie in a stack: in the scope itself up to MSC_SCOPE_INLINE, then in one block that doubles and
 * that a hand-over passes on as it is. An action leaves the stack before it runs, so what it registers in
 * the same scope comes next.
 */
#include "mapscope/scope.h"

#include <errno.h>
#include <string.h>

#include "mapscope/probe.h"
#include "runtime/emit.h"
#include "runtime/key_id.h"
#include "runtime/map_core.h"
#include "runtime/map_trace.h"
#include "runtime/memory.h"
#include "runtime/stack.h"
#include "runtime/thread.h"

struct msc_batch {
    uint64_t scope;
    size_t count;
    struct msc_action *actions; /* owned */
};

void msc_scope_open(struct msc_scope *scope, const char *name)
{
    scope->name = name ? name : "";
    scope->id = thread_unique_id();
    scope->outer = thread_self.scope;
    scope->actions = NULL;
    scope->count = 0;
    scope->capacity = MSC_SCOPE_INLINE;
    thread_self.scope = scope->id;
}

static struct msc_action *actions_of(struct msc_scope *scope)
{
    return scope->actions ? scope->actions : scope->inlined;
}

static struct msc_action *copy_actions(const struct msc_action *actions, size_t count, size_t capacity)
{
    size_t size;
    if (__builtin_mul_overflow(capacity, sizeof *actions, &size))
        return NULL;
    struct msc_action *copy = memory.allocate(size);
    if (copy)
        memcpy(copy, actions, count * sizeof *actions);
    return copy;
}

static int make_room(struct msc_scope *scope)
{
    if (scope->count < scope->capacity)
        return 0;
    struct msc_action *larger = copy_actions(actions_of(scope), scope->count, scope->capacity * 2);
    if (!larger)
        return -ENOMEM;
    memory.release(scope->actions);
    scope->actions = larger;
    scope->capacity *= 2;
    return 0;
}

/* ---- events ---- */

__attribute__((cold, noinline)) static void emit_push(const struct msc_scope *scope, const struct msc_action *action,
                                                      const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    struct msc_ev_defer_push push = {
        .action = action->id,
        .scope = scope->id,
        .fn = (uint64_t)(uintptr_t)action->fn,
        .map = action->map,
        .map_gen = action->map_gen,
        .key_id = action->key_id,
        .version = action->version,
        .stack = stack_capture_from(pcs, frame),
    };
    msc_emit(MSC_EVENT_DEFER_PUSH, &push);
}

__attribute__((cold, noinline)) static void emit_run(enum msc_event event, uint64_t scope,
                                                     const struct msc_action *action, bool handed_over)
{
    struct msc_ev_defer_run run = {
        .action = action->id,
        .scope = scope,
        .fn = (uint64_t)(uintptr_t)action->fn,
        .map = action->map,
        .map_gen = action->map_gen,
        .key_id = action->key_id,
        .version = action->version,
        .handed_over = handed_over,
    };
    msc_emit(event, &run);
}

/* ---- registering ---- */

/*
 * Which entry the action is about is noted only while someone traces: an action pushed before that counts
 * as not bound, rather than bound to a key that was absent.
 */
__attribute__((cold, noinline)) static void bind(struct msc_action *action, const struct msc_map *map,
                                                 const struct map_key *key)
{
    action->map = (uint64_t)(uintptr_t)map->identity.object;
    action->map_gen = map->identity.generation;
    action->key_id = map_key_id(map, key);
    action->version = map_slot_version(map_find(map, key, map_hash(map, key)));
}

static inline int append(struct msc_scope *scope, const struct msc_action *action, const void *frame)
{
    int error = make_room(scope);
    if (error)
        return error;
    actions_of(scope)[scope->count++] = *action;
    if (msc_gate_on(MSC_EVENT_DEFER_PUSH))
        emit_push(scope, action, frame);
    return 0;
}

static inline int push(struct msc_scope *scope, msc_defer_fn *fn, void *arg, const struct msc_map *map,
                       const struct map_key *key, const void *frame)
{
    if (!scope->id || !fn || (map && !map_takes(map, key)))
        return -EINVAL;
    struct msc_action action = {.fn = fn, .arg = arg, .id = thread_unique_id()};
    if (msc_gate_on(MSC_EVENT_DEFER_PUSH) && map)
        bind(&action, map, key);
    return append(scope, &action, frame);
}

int msc_defer(struct msc_scope *scope, msc_defer_fn *fn, void *arg)
{
    return push(scope, fn, arg, NULL, NULL, STACK_HERE());
}

int msc_defer_map_u64(struct msc_scope *scope, msc_defer_fn *fn, void *arg, const struct msc_map *map, uint64_t key)
{
    struct map_key bound = map_key_u64(key);
    return push(scope, fn, arg, map, &bound, STACK_HERE());
}

int msc_defer_map_bytes(struct msc_scope *scope, msc_defer_fn *fn, void *arg, const struct msc_map *map,
                        const void *key, size_t key_length)
{
    struct map_key bound = map_key_bytes(key, key_length);
    return push(scope, fn, arg, map, &bound, STACK_HERE());
}

int msc_defer_probe(struct msc_scope *scope, msc_defer_fn *fn, void *arg, const struct msc_probe *probe,
                    const void *key, size_t length, uint64_t version)
{
    if (!scope->id || !fn || !probe || (!key && length))
        return -EINVAL;
    struct msc_action action = {.fn = fn, .arg = arg, .id = thread_unique_id()};
    if (msc_gate_on(MSC_EVENT_DEFER_PUSH) && probe->generation) {
        action.map = (uint64_t)(uintptr_t)probe;
        action.map_gen = probe->generation;
        action.key_id = key_id_of(key, length);
        action.version = version;
    }
    return append(scope, &action, STACK_HERE());
}

/* ---- running ---- */

/* By value: the action's place in the stack may be taken, or moved, while it runs. */
static void run(uint64_t scope, struct msc_action action, bool handed_over)
{
    uint64_t outer_scope = thread_self.scope, outer_action = thread_self.action;
    thread_self.scope = scope;
    thread_self.action = action.id;
    if (msc_gate_on(MSC_EVENT_DEFER_RUN_BEGIN))
        emit_run(MSC_EVENT_DEFER_RUN_BEGIN, scope, &action, handed_over);
    action.fn(action.arg);
    if (msc_gate_on(MSC_EVENT_DEFER_RUN_END))
        emit_run(MSC_EVENT_DEFER_RUN_END, scope, &action, handed_over);
    thread_self.scope = outer_scope;
    thread_self.action = outer_action;
}

void msc_scope_close(struct msc_scope *scope)
{
    if (!scope->id)
        return;
    while (scope->count)
        run(scope->id, actions_of(scope)[--scope->count], false);
    memory.release(scope->actions);
    scope->actions = NULL;
    scope->id = 0;
    thread_self.scope = scope->outer;
}

/* ---- handing over ---- */

int msc_scope_handover(struct msc_scope *scope, struct msc_batch **batch)
{
    if (!scope->id)
        return -EINVAL;
    if (!scope->count) {
        *batch = NULL;
        return 0;
    }
    struct msc_batch *moved = memory.allocate(sizeof *moved);
    if (!moved)
        return -ENOMEM;
    moved->scope = scope->id;
    moved->count = scope->count;
    moved->actions = scope->actions ? scope->actions : copy_actions(scope->inlined, scope->count, scope->count);
    if (!moved->actions) {
        memory.release(moved);
        return -ENOMEM;
    }
    scope->actions = NULL;
    scope->count = 0;
    scope->capacity = MSC_SCOPE_INLINE;
    *batch = moved;
    return 0;
}

void msc_batch_run(struct msc_batch *batch)
{
    if (!batch)
        return;
    while (batch->count)
        run(batch->scope, batch->actions[--batch->count], true);
    msc_batch_drop(batch);
}

void msc_batch_drop(struct msc_batch *batch)
{
    if (!batch)
        return;
    memory.release(batch->actions);
    memory.release(batch);
}
