/* See flavour.h. */
#include "runtime/flavour.h"

#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/config.h"
#include "runtime/key_id.h"
#include "runtime/map_trace.h"
#include "runtime/memory.h"
#include "runtime/object.h"
#include "runtime/stack.h"
#include "runtime/thread.h"

#define VALUE_SIZE_MAX (UINT64_C(1) << 28)

/* Programs may be older than the library: what lies behind is not read. */
#define OPTIONS_SIZE_MIN offsetof(struct msc_map_options, guard)

/* ---- life ---- */

/* Not getrandom(): a cancellation point. */
static uint64_t random_seed(uint64_t generation)
{
    uint64_t drawn = 0;
    if (syscall(SYS_getrandom, &drawn, sizeof drawn, GRND_NONBLOCK) != sizeof drawn)
        drawn = (uint64_t)(uintptr_t)&drawn; /* the kernel's layout randomisation is what is left */
    return hash_u64(generation, drawn);
}

static bool is_plain(const struct msc_map_type *type)
{
    return !type->destroy_key && !type->clone_key && !type->destroy_value && !type->clone_value;
}

/* What a type must have and must not, by kind of key. */
static bool is_usable(enum msc_key_kind kind, const struct msc_map_type *type)
{
    enum { KEY_SIZE_MAX = 65536 };
    if (kind < MSC_KEY_U64 || kind > MSC_KEY_CUSTOM || (type && !is_plain(type)))
        return false;
    if (kind != MSC_KEY_CUSTOM)
        return true;
    return type && type->hash && type->equal && type->key_size > 0 && type->key_size <= KEY_SIZE_MAX;
}

static int check_options(const struct msc_map_options *options)
{
    if (!options || options->struct_size < OPTIONS_SIZE_MIN || options->value_size > VALUE_SIZE_MAX)
        return -EINVAL;
    return is_usable(options->key, options->type) && !options->allocator ? 0 : -EINVAL;
}

void *flavour_allocate_lines(size_t size, void **block)
{
    enum { CACHE_LINE = 64 };
    *block = memory.allocate(size + CACHE_LINE - 1);
    uintptr_t first = ((uintptr_t)*block + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1);
    return *block ? (void *)first : NULL;
}

int flavour_create(size_t size, enum msc_map_flavor flavor, flavour_entries_fn *entries,
                   const struct msc_map_options *options, struct flavour **out)
{
    int error = check_options(options);
    if (error)
        return error;
    const char *name = options->name ? options->name : "";
    size_t name_size = strlen(name) + 1;
    void *block;
    struct flavour *flavour = flavour_allocate_lines(size + name_size, &block);
    if (!flavour)
        return -ENOMEM;
    uint64_t generation = object_generation();
    bool words = options->key == MSC_KEY_U64 || options->key == MSC_KEY_POINTER;
    *flavour = (struct flavour){
        .generation = generation,
        .flavor = flavor,
        .kind = options->key == MSC_KEY_BYTES_BORROWED ? MSC_KEY_BYTES : options->key,
        .has_word_keys = words && !(options->type && options->type->hashable),
        .latches = 1,
        .value_size = options->value_size,
        .hint = options->hint,
        .type = options->type ? *options->type : (struct msc_map_type){0},
        .seed = msc_hash_seed_of(random_seed(generation)),
        .block = block,
        .name = memcpy((char *)flavour + size, name, name_size),
        .entries = entries,
    };
    *out = flavour;
    return 0;
}

void flavour_destroy(struct flavour *flavour)
{
    memory.release(flavour->block);
}

/* ---- events ---- */

static uint64_t address_of(const struct flavour *flavour)
{
    return (uint64_t)(uintptr_t)flavour;
}

/* 0 = strings of any length. */
static uint32_t key_size_of(const struct flavour *flavour)
{
    switch (flavour->kind) {
    case MSC_KEY_U32:
        return sizeof(uint32_t);
    case MSC_KEY_CUSTOM:
        return (uint32_t)flavour->type.key_size;
    default:
        return flavour_key_has_bytes(flavour->kind) ? 0 : sizeof(uint64_t);
    }
}

static void emit_life(enum msc_event event, const struct flavour *flavour, uint64_t count, struct msc_stack stack)
{
    struct msc_ev_map_life life = {
        .map = address_of(flavour),
        .map_gen = flavour->generation,
        .name = flavour->name,
        .flavor = flavour->flavor,
        .flags = flavour->kind == MSC_KEY_U32 ? MSC_MAP_WEAK_ID : 0,
        .key_size = key_size_of(flavour),
        .value_size = (uint32_t)flavour->value_size,
        .hint = flavour->hint,
        .hash0 = flavour->seed.k0,
        .count = count,
        .stack = stack,
    };
    msc_emit(event, &life);
}

static FLAVOUR_COLD void trace_alloc(struct flavour *flavour, const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    flavour->told = emit_audience_now();
    emit_life(MSC_EVENT_MAP_ALLOC, flavour, 0, stack_capture_from(pcs, frame));
}

void flavour_born(struct flavour *flavour, const void *pc, const void *frame)
{
    flavour->site = (uintptr_t)pc;
    if (msc_gate_on(MSC_EVENT_MAP_ALLOC))
        trace_alloc(flavour, frame);
}

void flavour_trace_free(struct flavour *flavour, const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    emit_life(MSC_EVENT_MAP_FREE, flavour, flavour->entries(flavour), stack_capture_from(pcs, frame));
}

/* Whether its audience is yet to be told of it. */
static bool is_news(struct flavour *flavour)
{
    return msc_gate_on(MSC_EVENT_MAP_INVENTORY) && emit_is_news(&flavour->told);
}

static void introduce(const struct flavour *flavour, uint64_t count)
{
    struct msc_stack site = {.pcs = &flavour->site, .count = flavour->site != 0};
    emit_life(MSC_EVENT_MAP_INVENTORY, flavour, count, site);
}

/* Look-ups carry no stack. */
static void emit_op(enum msc_event kind, const struct msc_ev_map_assign *from, const struct flavour_op *op,
                    const void *frame)
{
    struct msc_ev_map_op event = {
        .map = from->map,
        .map_gen = from->map_gen,
        .seq = from->seq,
        .key_id = from->key_id,
        .rate = from->rate,
        .begin_ns = from->begin_ns,
        .end_ns = from->end_ns,
        .found = kind == MSC_EVENT_MAP_ACCESS ? op->was_there : op->effect == EFFECT_ERASE,
        .version = op->version,
        .scope = from->scope,
        .action = from->action,
    };
    if (kind == MSC_EVENT_MAP_ACCESS)
        msc_emit(kind, &event);
    else
        map_trace_op(kind, &event, frame);
}

static enum msc_event event_of(const struct flavour_op *op)
{
    if (op->effect == EFFECT_WRITE)
        return MSC_EVENT_MAP_ASSIGN;
    bool erases = op->verb == VERB_DELETE || op->verb == VERB_COMPARE_AND_DELETE || op->verb == VERB_DELETE_VERSION;
    return erases ? MSC_EVENT_MAP_DELETE : MSC_EVENT_MAP_ACCESS;
}

static void emit_result(const struct flavour_op *op, const void *frame)
{
    enum msc_event kind = event_of(op);
    if (!msc_gate_on(kind))
        return;
    if (kind != MSC_EVENT_MAP_ASSIGN) {
        emit_op(kind, op->event, op, frame);
        return;
    }
    op->event->inserted = !op->was_there;
    map_trace_assign(op->event, &op->key, frame);
}

uint64_t flavour_key_id(const struct flavour *flavour, const struct map_key *key)
{
    if (key->kind == MSC_KEY_CUSTOM && flavour->type.identity)
        return flavour->type.identity(key->bytes, key_sampling.seed);
    return map_key_id(NULL, key);
}

int flavour_run_traced(struct flavour *flavour, struct flavour_op *op, flavour_apply_fn *apply, const void *frame)
{
    struct msc_ev_map_assign event = {
        .map = address_of(flavour),
        .map_gen = flavour->generation,
        .key_id = flavour_key_id(flavour, &op->key),
        .rate = config_map_rate(),
        .scope = thread_self.scope,
        .action = thread_self.action,
    };
    op->event = map_key_is_kept(&flavour->type, &op->key) ? &event : NULL;
    if (op->event && is_news(flavour))
        introduce(flavour, flavour->entries(flavour)); /* no lock of the map is held yet */
    int error = apply(flavour, op);
    if (op->event && event.end_ns)
        emit_result(op, frame);
    op->event = NULL;
    return error;
}

void flavour_trace_clear(const struct flavour *flavour, struct msc_ev_map_op *event, const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    event->map = address_of(flavour);
    event->map_gen = flavour->generation;
    event->rate = config_map_rate();
    event->found = 1;
    event->scope = thread_self.scope;
    event->action = thread_self.action;
    event->stack = stack_capture_from(pcs, frame);
    msc_emit(MSC_EVENT_MAP_CLEAR, event);
}

static void emit_iter(enum msc_event event, const struct flavour *flavour, const struct flavour_iter *iter,
                      uint64_t count, uint64_t seq, const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    struct msc_ev_map_iter record = {
        .map = address_of(flavour),
        .map_gen = flavour->generation,
        .iter = iter->id,
        .count = count,
        .visited = iter->visited,
        .mutated = seq != iter->seq,
        .action = thread_self.action,
        .stack = stack_capture_from(pcs, frame),
    };
    msc_emit(event, &record);
}

void flavour_iter_begin(struct flavour *flavour, struct flavour_iter *iter, uint64_t count, uint64_t seq,
                        const void *frame)
{
    *iter = (struct flavour_iter){.seq = seq};
    if (!msc_gate_on(MSC_EVENT_MAP_ITER_BEGIN))
        return;
    if (is_news(flavour))
        introduce(flavour, count);
    iter->id = thread_unique_id();
    emit_iter(MSC_EVENT_MAP_ITER_BEGIN, flavour, iter, count, seq, frame);
}

void flavour_iter_end(const struct flavour *flavour, const struct flavour_iter *iter, uint64_t count, uint64_t seq,
                      const void *frame)
{
    if (iter->id && msc_gate_on(MSC_EVENT_MAP_ITER_END))
        emit_iter(MSC_EVENT_MAP_ITER_END, flavour, iter, count, seq, frame);
}
