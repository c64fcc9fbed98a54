/* See decode_schema.h. One table an event layout, in the order of docs/events.md; then the events. */
#include "collector/decode_schema.h"

#include <stddef.h>
#include <string.h>

#define FIELD(text, member, how)                                                                                       \
    {                                                                                                                  \
        text, offsetof(struct event, member), DECODE_##how                                                             \
    }
#define STACK FIELD("stack", stack, STACK)
#define OBJECT(text, member) FIELD(text, member.address, U64), FIELD(text "_gen", member.generation, U64)
#define END                                                                                                            \
    {                                                                                                                  \
        NULL, 0, DECODE_U64                                                                                            \
    }

typedef const struct decode_field field_list[DECODE_FIELDS_MAX];

static field_list no_fields = {END};

static field_list map_life = {OBJECT("map", map_life.map),
                              FIELD("name", map_life.name, TEXT),
                              FIELD("flavor", map_life.flavor, U32),
                              FIELD("flags", map_life.flags, U32),
                              FIELD("key_size", map_life.key_size, U32),
                              FIELD("value_size", map_life.value_size, U32),
                              FIELD("hint", map_life.hint, U64),
                              FIELD("B", map_life.B, U32),
                              FIELD("hash0", map_life.hash0, U64),
                              FIELD("count", map_life.count, U64),
                              STACK,
                              END};

static field_list map_grow = {OBJECT("map", map_grow.map),
                              FIELD("seq", map_grow.seq, U64),
                              FIELD("old_B", map_grow.old_B, U32),
                              FIELD("new_B", map_grow.new_B, U32),
                              FIELD("noverflow", map_grow.noverflow, U32),
                              FIELD("count", map_grow.count, U64),
                              FIELD("same_size", map_grow.same_size, BOOL),
                              FIELD("bytes", map_grow.bytes, U64),
                              STACK,
                              END};

static field_list map_grow_end = {OBJECT("map", map_grow_end.map),
                                  FIELD("seq", map_grow_end.seq, U64),
                                  FIELD("moved", map_grow_end.moved, U64),
                                  FIELD("steps", map_grow_end.steps, U64),
                                  FIELD("evac_ns", map_grow_end.evac_ns, U64),
                                  STACK,
                                  END};

#define MAP_OP                                                                                                         \
    OBJECT("map", map_op.map), FIELD("seq", map_op.seq, U64), FIELD("key_id", map_op.key_id, U64),                     \
        FIELD("rate", map_op.rate, U32), FIELD("begin_ns", map_op.begin_ns, U64), FIELD("end_ns", map_op.end_ns, U64), \
        FIELD("version", map_op.version, U64), FIELD("scope", map_op.scope, U64), FIELD("action", map_op.action, U64), \
        STACK

static field_list map_assign = {MAP_OP,
                                FIELD("inserted", map_op.found, NOT),
                                FIELD("hash", map_op.hash, U64),
                                FIELD("tophash", map_op.tophash, U32),
                                FIELD("bucket", map_op.bucket, U64),
                                FIELD("overflow", map_op.overflow, U32),
                                FIELD("evac_moved", map_op.evac_moved, U32),
                                FIELD("evac_ns", map_op.evac_ns, U64),
                                FIELD("key", map_op.key, BYTES),
                                END};
static field_list map_access = {MAP_OP, FIELD("hit", map_op.found, BOOL), END};
static field_list map_delete = {MAP_OP, FIELD("found", map_op.found, BOOL), END};
static field_list map_clear = {MAP_OP, FIELD("count", map_op.count, U64), END};

static field_list map_iter = {OBJECT("map", map_iter.map),
                              FIELD("iter", map_iter.iter, U64),
                              FIELD("count", map_iter.count, U64),
                              FIELD("visited", map_iter.visited, U64),
                              FIELD("grew", map_iter.grew, BOOL),
                              FIELD("mutated", map_iter.mutated, BOOL),
                              FIELD("action", map_iter.action, U64),
                              STACK,
                              END};

static field_list map_copy = {OBJECT("src", map_copy.source),
                              OBJECT("dst", map_copy.copy),
                              FIELD("handle", map_copy.handle, U64),
                              FIELD("count", map_copy.count, U64),
                              FIELD("deep", map_copy.deep, BOOL),
                              FIELD("action", map_copy.action, U64),
                              STACK,
                              END};

static field_list map_fault = {OBJECT("map", map_fault.map),
                               FIELD("kind", map_fault.kind, U32),
                               FIELD("key_id", map_fault.key_id, U64),
                               FIELD("tid", map_fault.tid, U32),
                               FIELD("other_tid", map_fault.other_tid, U32),
                               FIELD("other_pc", map_fault.other_pc, U64),
                               STACK,
                               END};

static field_list syncmap_promote = {OBJECT("map", syncmap_promote.map), FIELD("misses", syncmap_promote.misses, U64),
                                     FIELD("dirty_len", syncmap_promote.dirty_len, U64), END};

static field_list map_writer_timeout = {OBJECT("map", map_writer_timeout.map),
                                        FIELD("key_id", map_writer_timeout.key_id, U64),
                                        FIELD("waited_ns", map_writer_timeout.waited_ns, U64), END};

static field_list reclaim_stall = {FIELD("reader_tid", reclaim_stall.reader_tid, U32),
                                   FIELD("pending_bytes", reclaim_stall.pending_bytes, U64),
                                   FIELD("waited_ns", reclaim_stall.waited_ns, U64), END};

static field_list defer = {FIELD("action", defer.action, U64),
                           FIELD("scope", defer.scope, U64),
                           FIELD("fn", defer.fn, U64),
                           OBJECT("map", defer.map),
                           FIELD("key_id", defer.key_id, U64),
                           FIELD("version", defer.version, U64),
                           FIELD("handed_over", defer.handed_over, BOOL),
                           STACK,
                           END};

static field_list lock_wait = {OBJECT("lock", lock_wait.lock),
                               FIELD("name", lock_wait.name, TEXT),
                               FIELD("kind", lock_wait.kind, U32),
                               FIELD("mode", lock_wait.mode, U32),
                               FIELD("begin_ns", lock_wait.begin_ns, U64),
                               FIELD("wait_ns", lock_wait.wait_ns, U64),
                               FIELD("weight", lock_wait.weight, U64),
                               FIELD("result", lock_wait.result, U32),
                               FIELD("owner_tid", lock_wait.owner_tid, U32),
                               FIELD("hold_seq", lock_wait.hold_seq, U64),
                               STACK,
                               END};

static field_list lock_release = {OBJECT("lock", lock_release.lock),
                                  FIELD("name", lock_release.name, TEXT),
                                  FIELD("kind", lock_release.kind, U32),
                                  FIELD("mode", lock_release.mode, U32),
                                  FIELD("release_ns", lock_release.release_ns, U64),
                                  FIELD("contended_ns", lock_release.contended_ns, U64),
                                  FIELD("charge_ns", lock_release.charge_ns, U64),
                                  FIELD("handoff_ns", lock_release.handoff_ns, U64),
                                  FIELD("waiters", lock_release.waiters, U32),
                                  FIELD("hold_seq", lock_release.hold_seq, U64),
                                  FIELD("weight", lock_release.weight, U64),
                                  STACK,
                                  END};

static field_list lock_totals = {OBJECT("lock", lock_totals.lock),
                                 FIELD("name", lock_totals.name, TEXT),
                                 FIELD("kind", lock_totals.kind, U32),
                                 FIELD("ops", lock_totals.ops, U64),
                                 FIELD("contentions", lock_totals.contentions, U64),
                                 FIELD("wait_ns", lock_totals.wait_ns, U64),
                                 FIELD("charge_ns", lock_totals.charge_ns, U64),
                                 FIELD("handoff_ns", lock_totals.handoff_ns, U64),
                                 FIELD("max_ns", lock_totals.max_ns, U64),
                                 FIELD("dropped", lock_totals.dropped, U64),
                                 FIELD("site", lock_totals.site, U64),
                                 FIELD("map", lock_totals.map, U64),
                                 FIELD("round", lock_totals.round, U32),
                                 END};

static field_list lock_hold = {OBJECT("lock", lock_hold.lock),
                               FIELD("name", lock_hold.name, TEXT),
                               FIELD("kind", lock_hold.kind, U32),
                               FIELD("mode", lock_hold.mode, U32),
                               FIELD("begin_ns", lock_hold.begin_ns, U64),
                               FIELD("hold_ns", lock_hold.hold_ns, U64),
                               FIELD("weight", lock_hold.weight, U64),
                               FIELD("hold_seq", lock_hold.hold_seq, U64),
                               STACK,
                               END};

static field_list cond_signal = {FIELD("cond", cond_signal.cond, U64),
                                 OBJECT("lock", cond_signal.lock),
                                 FIELD("begin_ns", cond_signal.begin_ns, U64),
                                 FIELD("woken", cond_signal.woken, U32),
                                 STACK,
                                 END};

static field_list thread = {FIELD("name", thread.name, TEXT), FIELD("creator", thread.creator, U32),
                            FIELD("start", thread.start, U64), END};

static field_list sampler_config = {FIELD("map_rate", sampler_config.map_rate, U32),
                                    FIELD("mutex_mode", sampler_config.mutex_mode, U32),
                                    FIELD("mutex_fraction", sampler_config.mutex_fraction, U64),
                                    FIELD("mutex_rate_ns", sampler_config.mutex_rate_ns, U64), END};

static field_list note = {FIELD("id", note.id, U64), FIELD("category", note.category, TEXT),
                          FIELD("message", note.message, TEXT), FIELD("truncated", note.truncated, BOOL), END};

/* LTTng's own names */
static field_list process_name = {FIELD("procname", process_name, TEXT), END};
static field_list module_load = {FIELD("baddr", module.base, U64),
                                 FIELD("memsz", module.size, U64),
                                 FIELD("path", module.path, TEXT),
                                 FIELD("is_pic", module.is_pic, BOOL),
                                 FIELD("has_build_id", module.has_build_id, BOOL),
                                 FIELD("has_debug_link", module.has_debug_link, BOOL),
                                 END};
static field_list module_build_id = {FIELD("baddr", module.base, U64), FIELD("build_id", module.build_id, BYTES), END};
static field_list module_debug_link = {FIELD("baddr", module.base, U64), FIELD("filename", module.debug_link, TEXT),
                                       END};
static field_list module_unload = {FIELD("baddr", module.base, U64), END};

static const struct decode_event events[] = {
    {"mapscope:map_alloc", EVENT_MAP_ALLOC, false, map_life},
    {"mapscope:map_free", EVENT_MAP_FREE, false, map_life},
    {"mapscope:map_grow", EVENT_MAP_GROW, false, map_grow},
    {"mapscope:map_grow_end", EVENT_MAP_GROW_END, false, map_grow_end},
    {"mapscope:map_assign", EVENT_MAP_ASSIGN, false, map_assign},
    {"mapscope:map_access", EVENT_MAP_ACCESS, false, map_access},
    {"mapscope:map_delete", EVENT_MAP_DELETE, false, map_delete},
    {"mapscope:map_clear", EVENT_MAP_CLEAR, false, map_clear},
    {"mapscope:map_iter_begin", EVENT_MAP_ITER_BEGIN, false, map_iter},
    {"mapscope:map_iter_end", EVENT_MAP_ITER_END, false, map_iter},
    {"mapscope:map_fault", EVENT_MAP_FAULT, false, map_fault},
    {"mapscope:map_clone", EVENT_MAP_CLONE, false, map_copy},
    {"mapscope:map_alias", EVENT_MAP_ALIAS, false, map_copy},
    {"mapscope:map_swap", EVENT_MAP_SWAP, false, map_copy},
    {"mapscope:map_inventory", EVENT_MAP_INVENTORY, false, map_life},
    {"mapscope:syncmap_promote", EVENT_SYNCMAP_PROMOTE, false, syncmap_promote},
    {"mapscope:map_writer_timeout", EVENT_MAP_WRITER_TIMEOUT, false, map_writer_timeout},
    {"mapscope:reclaim_stall", EVENT_RECLAIM_STALL, false, reclaim_stall},
    {"mapscope:defer_push", EVENT_DEFER_PUSH, false, defer},
    {"mapscope:defer_run_begin", EVENT_DEFER_RUN_BEGIN, false, defer},
    {"mapscope:defer_run_end", EVENT_DEFER_RUN_END, false, defer},
    {"mapscope:lock_wait", EVENT_LOCK_WAIT, false, lock_wait},
    {"mapscope:lock_release", EVENT_LOCK_RELEASE, false, lock_release},
    {"mapscope:lock_totals", EVENT_LOCK_TOTALS, false, lock_totals},
    {"mapscope:lock_hold", EVENT_LOCK_HOLD, false, lock_hold},
    {"mapscope:lock_inventory", EVENT_LOCK_INVENTORY, false, lock_totals},
    {"mapscope:cond_signal", EVENT_COND_SIGNAL, false, cond_signal},
    {"mapscope:thread_start", EVENT_THREAD_START, false, thread},
    {"mapscope:thread_exit", EVENT_THREAD_EXIT, false, thread},
    {"mapscope:sampler_config", EVENT_SAMPLER_CONFIG, false, sampler_config},
    {"mapscope:region_begin", EVENT_REGION_BEGIN, false, note},
    {"mapscope:region_end", EVENT_REGION_END, false, note},
    {"mapscope:log", EVENT_LOG, false, note},
    {"mapscope:variant", EVENT_VARIANT, false, note},
    {"lttng_ust_statedump:start", EVENT_STATEDUMP_START, false, no_fields},
    {"lttng_ust_statedump:procname", EVENT_PROCESS_NAME, false, process_name},
    {"lttng_ust_statedump:bin_info", EVENT_MODULE_LOAD, false, module_load},
    {"lttng_ust_statedump:build_id", EVENT_MODULE_BUILD_ID, false, module_build_id},
    {"lttng_ust_statedump:debug_link", EVENT_MODULE_DEBUG_LINK, false, module_debug_link},
    {"lttng_ust_lib:load", EVENT_MODULE_LOAD, true, module_load},
    {"lttng_ust_lib:build_id", EVENT_MODULE_BUILD_ID, false, module_build_id},
    {"lttng_ust_lib:debug_link", EVENT_MODULE_DEBUG_LINK, false, module_debug_link},
    {"lttng_ust_lib:unload", EVENT_MODULE_UNLOAD, false, module_unload},
};

const struct decode_event *decode_schema_find(const char *name)
{
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (strcmp(events[i].name, name) == 0)
            return &events[i];
    return NULL;
}
