/*
 * See timeline_trace.h. Threads take turns at one clock; a step of a thread reads the clock, or emits what it
 * did last, so that events are emitted later than they say and other threads come in between.
 */
#include "collector/timeline_trace.h"

#include <assert.h>
#include <string.h>

enum { THREADS = 5, MAPS = 3, LOCKS = 3, KEYS = 6, STACK_MAX = 12, WAITS_MAX = 4, POOL_MAX = 16, EMIT_MAX = 4 };

/* What a thread is inside of. */
struct level {
    enum event_kind kind; /* MAP_*: an operation, DEFER_RUN_BEGIN, REGION_BEGIN */
    uint64_t id, begin_ns;
    uint32_t map;
};

/* A lock that the thread holds, and how it got it. */
struct hold {
    uint32_t lock;
    bool waited;
    uint64_t begin_ns, end_ns;
};

struct thread {
    uint32_t pid, tid;
    struct level levels[STACK_MAX];
    unsigned level_count;
    struct hold holds[WAITS_MAX];
    unsigned hold_count;
    struct event pending[EMIT_MAX]; /* done, not emitted yet */
    unsigned pending_count;
};

struct action {
    uint64_t id, key_id, version;
    uint32_t pid, map; /* map MAPS = not bound */
};

struct world {
    const struct trace_options *options;
    int (*use)(void *self, const struct event *event);
    void *self;
    uint64_t random, now_ns, next_id, seq;
    uint64_t versions[MAPS][KEYS];
    bool locked[LOCKS];
    struct thread threads[THREADS];
    struct action pool[POOL_MAX];
    unsigned pool_count;
};

static uint64_t below(struct world *world, uint64_t limit)
{
    world->random = world->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (world->random >> 33) % limit;
}

/* Two readings may be equal. */
static uint64_t clock_read(struct world *world)
{
    return world->now_ns += below(world, 3) * below(world, 400);
}

static struct event_object object(uint32_t index)
{
    return (struct event_object){.address = 0x1000 + index * 0x100, .generation = 1 + index};
}

static struct event_text text(const char *bytes)
{
    return (struct event_text){.data = bytes, .length = (uint32_t)strlen(bytes)};
}

static void emit(struct world *world, const struct thread *thread, struct event *event)
{
    event->pid = thread->pid;
    event->tid = thread->tid;
    event->time_ns = clock_read(world);
    if (world->options->kind == TRACE_LOSSY && below(world, 8) == 0)
        return;
    int error = world->use(world->self, event);
    assert(!error);
    (void)error;
}

static void emit_later(struct thread *thread, const struct event *event)
{
    assert(thread->pending_count < EMIT_MAX);
    thread->pending[thread->pending_count++] = *event;
}

static void emit_pending(struct world *world, struct thread *thread)
{
    struct event event = thread->pending[0];
    memmove(thread->pending, thread->pending + 1, --thread->pending_count * sizeof event);
    emit(world, thread, &event);
}

static struct level *enter(struct world *world, struct thread *thread, enum event_kind kind, uint64_t id)
{
    struct level *level = &thread->levels[thread->level_count++];
    *level = (struct level){.kind = kind, .id = id, .begin_ns = clock_read(world)};
    return level;
}

static void begin_op(struct world *world, struct thread *thread)
{
    static const enum event_kind kinds[] = {EVENT_MAP_ASSIGN, EVENT_MAP_ASSIGN, EVENT_MAP_DELETE, EVENT_MAP_ACCESS,
                                            EVENT_MAP_CLEAR};
    enum event_kind kind = kinds[below(world, 5)];
    if (kind == EVENT_MAP_CLEAR && below(world, 8))
        kind = EVENT_MAP_DELETE;
    enter(world, thread, kind, 0)->map = (uint32_t)below(world, MAPS);
}

static uint64_t current_action(const struct thread *thread)
{
    for (unsigned i = thread->level_count; i-- > 0;)
        if (thread->levels[i].kind == EVENT_DEFER_RUN_BEGIN)
            return thread->levels[i].id;
    return 0;
}

static void end_op(struct world *world, struct thread *thread)
{
    struct level level = thread->levels[--thread->level_count];
    uint64_t key = below(world, KEYS);
    uint64_t *version = &world->versions[level.map][key];
    struct event event = {.kind = level.kind,
                          .map_op = {.map = object(level.map),
                                     .key_id = 100 + key,
                                     .seq = ++world->seq,
                                     .rate = 1,
                                     .begin_ns = level.begin_ns,
                                     .end_ns = clock_read(world),
                                     .found = *version != 0,
                                     .action = current_action(thread)}};
    if (level.kind == EVENT_MAP_ASSIGN)
        *version = ++world->next_id;
    event.map_op.version = *version;
    if (level.kind == EVENT_MAP_DELETE)
        *version = 0;
    if (level.kind == EVENT_MAP_CLEAR)
        memset(world->versions[level.map], 0, sizeof world->versions[level.map]);
    emit_later(thread, &event);
}

static void begin_region(struct world *world, struct thread *thread)
{
    struct level *level = enter(world, thread, EVENT_REGION_BEGIN, ++world->next_id);
    struct event event = {.kind = EVENT_REGION_BEGIN,
                          .note = {.id = level->id, .category = text("request"), .message = text("handle")}};
    emit(world, thread, &event);
}

static void push_action(struct world *world, struct thread *thread)
{
    if (world->pool_count == POOL_MAX)
        return;
    struct action *action = &world->pool[world->pool_count++];
    *action = (struct action){.id = ++world->next_id, .pid = thread->pid, .map = (uint32_t)below(world, MAPS + 1)};
    uint64_t key = below(world, KEYS);
    if (action->map < MAPS) {
        action->key_id = 100 + key;
        action->version = world->versions[action->map][key];
    }
    struct event event = {.kind = EVENT_DEFER_PUSH,
                          .defer = {.action = action->id,
                                    .fn = 0x500,
                                    .map = action->map < MAPS ? object(action->map) : (struct event_object){0},
                                    .key_id = action->key_id,
                                    .version = action->version}};
    emit(world, thread, &event);
}

static void run_action(struct world *world, struct thread *thread)
{
    if (!world->pool_count)
        return;
    unsigned index = (unsigned)below(world, world->pool_count);
    struct action action = world->pool[index];
    if (action.pid != thread->pid)
        return;
    world->pool[index] = world->pool[--world->pool_count];
    enter(world, thread, EVENT_DEFER_RUN_BEGIN, action.id)->map = action.map;
    struct event event = {.kind = EVENT_DEFER_RUN_BEGIN,
                          .defer = {.action = action.id,
                                    .fn = 0x500,
                                    .map = action.map < MAPS ? object(action.map) : (struct event_object){0},
                                    .key_id = action.key_id,
                                    .version = action.version}};
    emit(world, thread, &event);
}

static void leave(struct world *world, struct thread *thread)
{
    if (!thread->level_count)
        return;
    struct level level = thread->levels[thread->level_count - 1];
    struct event event = {.kind = EVENT_REGION_END};
    switch (level.kind) {
    case EVENT_REGION_BEGIN:
        event.note.id = level.id;
        break;
    case EVENT_DEFER_RUN_BEGIN:
        event.kind = EVENT_DEFER_RUN_END;
        event.defer.action = level.id;
        break;
    default:
        end_op(world, thread);
        return;
    }
    thread->level_count--;
    emit(world, thread, &event);
}

static void take_lock(struct world *world, struct thread *thread)
{
    uint32_t lock = (uint32_t)below(world, LOCKS);
    if (world->locked[lock] || thread->hold_count == WAITS_MAX)
        return;
    world->locked[lock] = true;
    struct hold *hold = &thread->holds[thread->hold_count++];
    *hold = (struct hold){.lock = lock, .waited = below(world, 2), .begin_ns = clock_read(world)};
    world->now_ns += hold->waited ? below(world, 5000) : 0; /* the others stand still meanwhile: no matter */
    hold->end_ns = clock_read(world);
}

/* Any of them, not the last one only; the wait is told now. */
static void release_lock(struct world *world, struct thread *thread)
{
    if (!thread->hold_count || thread->pending_count + 3 > EMIT_MAX)
        return;
    unsigned index = (unsigned)below(world, thread->hold_count);
    struct hold hold = thread->holds[index];
    thread->holds[index] = thread->holds[--thread->hold_count];
    world->locked[hold.lock] = false;
    uint64_t release_ns = clock_read(world);
    struct event release = {.kind = EVENT_LOCK_RELEASE,
                            .lock_release = {.lock = object(100 + hold.lock),
                                             .name = text("table.mutex"),
                                             .release_ns = release_ns,
                                             .contended_ns = below(world, release_ns - hold.end_ns + 1),
                                             .waiters = 1 + (uint32_t)below(world, 3)}};
    struct event wait = {.kind = EVENT_LOCK_WAIT,
                         .lock_wait = {.lock = object(100 + hold.lock),
                                       .name = text("table.mutex"),
                                       .begin_ns = hold.begin_ns,
                                       .wait_ns = hold.end_ns - hold.begin_ns}};
    struct event timed = {.kind = EVENT_LOCK_HOLD,
                          .lock_hold = {.lock = object(100 + hold.lock),
                                        .name = text("table.mutex"),
                                        .begin_ns = hold.end_ns,
                                        .hold_ns = release_ns - hold.end_ns}};
    emit_later(thread, &release);
    if (hold.waited)
        emit_later(thread, &wait);
    emit_later(thread, &timed);
}

static void say(struct world *world, struct thread *thread)
{
    struct event event = {.kind = EVENT_LOG, .note = {.category = text("app"), .message = text("hello \xff")}};
    emit(world, thread, &event);
}

static void grow_map(struct world *world, struct thread *thread)
{
    struct event event = {.kind = below(world, 2) ? EVENT_MAP_GROW : EVENT_MAP_GROW_END};
    if (event.kind == EVENT_MAP_GROW) {
        event.map_grow.map = object((uint32_t)below(world, MAPS));
        event.map_grow.new_B = (uint32_t)below(world, 20);
    } else {
        event.map_grow_end.map = object((uint32_t)below(world, MAPS));
    }
    emit(world, thread, &event);
}

static bool is_in_op(const struct thread *thread)
{
    enum event_kind kind = thread->level_count ? thread->levels[thread->level_count - 1].kind : EVENT_OTHER;
    return kind == EVENT_MAP_ASSIGN || kind == EVENT_MAP_DELETE || kind == EVENT_MAP_ACCESS || kind == EVENT_MAP_CLEAR;
}

/* Inside an operation there are locks and log lines, nothing else. */
static void step(struct world *world, struct thread *thread)
{
    bool has_room = thread->level_count < STACK_MAX && !is_in_op(thread);
    if (thread->pending_count) {
        emit_pending(world, thread); /* before it goes on: nothing overtakes it on its own thread */
        return;
    }
    switch (below(world, 16)) {
    case 0:
        if (has_room)
            begin_region(world, thread);
        break;
    case 1:
        push_action(world, thread);
        break;
    case 2:
        if (has_room)
            run_action(world, thread);
        break;
    case 3:
    case 4:
        take_lock(world, thread);
        break;
    case 5:
    case 6:
        release_lock(world, thread);
        break;
    case 7:
        say(world, thread);
        break;
    case 8:
        grow_map(world, thread);
        break;
    case 9:
    case 10:
    case 11:
        if (has_room)
            begin_op(world, thread);
        break;
    default:
        leave(world, thread);
    }
}

/* Numbers of all sizes, small ones often, so that things meet. */
static uint64_t noise(struct world *world)
{
    uint64_t bits = below(world, 65);
    uint64_t number = below(world, UINT32_MAX) << 32 | below(world, UINT32_MAX);
    return bits == 0 ? 0 : below(world, 2) ? below(world, 4) : number >> (64 - bits);
}

static uint64_t noisy_time(struct world *world)
{
    return below(world, 8) ? world->now_ns - below(world, 2000) : noise(world);
}

static void fill_op(struct world *world, struct event *event)
{
    event->map_op.map.address = noise(world);
    event->map_op.key_id = below(world, KEYS);
    event->map_op.seq = noise(world);
    event->map_op.rate = (uint32_t)noise(world);
    event->map_op.begin_ns = noisy_time(world);
    event->map_op.end_ns = noisy_time(world);
    event->map_op.version = below(world, 3);
    event->map_op.action = below(world, 4);
    event->map_op.found = below(world, 2);
}

static void fill_hostile(struct world *world, struct event *event)
{
    switch (event->kind) {
    case EVENT_LOCK_WAIT:
        event->lock_wait.lock.address = below(world, 3);
        event->lock_wait.begin_ns = noisy_time(world);
        event->lock_wait.wait_ns = noise(world);
        event->lock_wait.result = (uint32_t)noise(world);
        event->lock_wait.kind = (uint32_t)below(world, 5);
        break;
    case EVENT_LOCK_RELEASE:
        event->lock_release.lock.address = below(world, 3);
        event->lock_release.release_ns = noisy_time(world);
        event->lock_release.contended_ns = noise(world);
        event->lock_release.waiters = (uint32_t)noise(world);
        break;
    case EVENT_COND_SIGNAL:
        event->cond_signal.lock.address = below(world, 3);
        event->cond_signal.begin_ns = noisy_time(world);
        event->cond_signal.woken = (uint32_t)noise(world);
        break;
    case EVENT_LOCK_HOLD:
        event->lock_hold.lock.address = below(world, 3);
        event->lock_hold.begin_ns = noisy_time(world);
        event->lock_hold.hold_ns = noise(world);
        event->lock_hold.mode = (uint32_t)below(world, 2);
        break;
    case EVENT_DEFER_PUSH:
    case EVENT_DEFER_RUN_BEGIN:
    case EVENT_DEFER_RUN_END:
        event->defer.action = below(world, 4);
        event->defer.map.address = below(world, 4);
        break;
    case EVENT_MAP_GROW:
        event->map_grow.map.address = below(world, 4);
        event->map_grow.count = noise(world);
        event->map_grow.new_B = (uint32_t)noise(world);
        break;
    case EVENT_MAP_ALLOC:
    case EVENT_MAP_INVENTORY:
    case EVENT_MAP_FREE:
    case EVENT_MAP_GROW_END:
        event->map_life.map.address = below(world, 4);
        break;
    case EVENT_REGION_BEGIN:
    case EVENT_REGION_END:
        event->note.id = below(world, 4);
        break;
    case EVENT_MAP_ITER_BEGIN:
    case EVENT_MAP_ITER_END:
        event->map_iter.map.address = noise(world);
        event->map_iter.iter = below(world, 4);
        event->map_iter.count = noise(world);
        event->map_iter.grew = below(world, 2);
        break;
    case EVENT_MAP_FAULT:
        event->map_fault.kind = (uint32_t)noise(world);
        break;
    default:
        fill_op(world, event);
    }
}

static void hostile_step(struct world *world)
{
    struct event event = {.kind = (enum event_kind)below(world, EVENT_KIND_COUNT)};
    bool has_fields_of_its_own = event.kind == EVENT_OTHER || event.kind == EVENT_LOG || event.kind == EVENT_VARIANT ||
                                 event.kind > EVENT_VARIANT || event.kind == EVENT_THREAD_START;
    if (!has_fields_of_its_own)
        fill_hostile(world, &event);
    event.pid = (uint32_t)(below(world, 16) ? below(world, 2) : noise(world));
    event.tid = (uint32_t)(below(world, 16) ? below(world, 3) : noise(world));
    event.time_ns = world->now_ns += below(world, 1000);
    int error = world->use(world->self, &event);
    assert(!error);
    (void)error;
}

void trace_run(const struct trace_options *options, int (*use)(void *self, const struct event *event), void *self)
{
    static struct world world;
    world = (struct world){
        .options = options, .use = use, .self = self, .random = options->seed, .now_ns = options->base_ns};
    for (uint32_t i = 0; i < THREADS; i++)
        world.threads[i] = (struct thread){.pid = 1000 + i % 2 * 500, .tid = 1000 + i % 2 * 500 + i / 2};
    for (unsigned i = 0; i < options->steps; i++) {
        if (options->kind == TRACE_HOSTILE)
            hostile_step(&world);
        else
            step(&world, &world.threads[below(&world, THREADS)]);
    }
}
