/*
 * One record an event, every field with a value of its own, so that two fields taken for one another show.
 * events.expected is the same in babeltrace2's words. Among them: the largest numbers, bytes that are no
 * text, empty strings, an empty and a full stack.
 */
#ifndef TESTS_TRACEPOINTS_RECORDS_H
#define TESTS_TRACEPOINTS_RECORDS_H

#include "runtime/event.h"

static const uintptr_t two_frames[] = {0x401001, 0x7fffffffe002};
static const uintptr_t full_stack[MSC_STACK_MAX] = {[0] = 0x500000, [MSC_STACK_MAX - 1] = 0x50003f};
static const unsigned char key_bytes[] = {0x00, 0x22, 0x5c, 0x80, 0xff};

static const struct msc_ev_map_life record_map_alloc = {
    .map = 0x7f0000000101,
    .map_gen = 102,
    .name = "sessions",
    .flavor = 103,
    .flags = 104,
    .key_size = 105,
    .value_size = 106,
    .hint = 107,
    .B = 108,
    .hash0 = 0xfedcba9876543210,
    .count = 109,
    .stack = {two_frames, 2},
};

static const struct msc_ev_map_life record_map_free = {
    .map = UINT64_MAX,
    .map_gen = UINT64_MAX,
    .name = "",
    .flavor = UINT32_MAX,
    .flags = UINT32_MAX,
    .key_size = UINT32_MAX,
    .value_size = UINT32_MAX,
    .hint = UINT64_MAX,
    .B = UINT32_MAX,
    .hash0 = UINT64_MAX,
    .count = UINT64_MAX,
    .stack = {NULL, 0},
};

static const struct msc_ev_map_grow record_map_grow = {
    .map = 0x301,
    .map_gen = 302,
    .seq = 303,
    .old_B = 304,
    .new_B = 305,
    .noverflow = 306,
    .count = 307,
    .same_size = 1,
    .bytes = 308,
};

static const struct msc_ev_map_grow_end record_map_grow_end = {
    .map = 0x401,
    .map_gen = 402,
    .seq = 403,
    .moved = 404,
    .steps = 405,
    .evac_ns = 406,
};

static const struct msc_ev_map_assign record_map_assign = {
    .map = 0x501,
    .map_gen = 502,
    .seq = 503,
    .key_id = 0x504,
    .rate = 505,
    .hash = 0x506,
    .tophash = 507,
    .bucket = 508,
    .begin_ns = 509,
    .end_ns = 510,
    .inserted = 1,
    .overflow = 511,
    .version = 512,
    .evac_moved = 513,
    .evac_ns = 514,
    .scope = 0x515,
    .action = 0x516,
    .key = key_bytes,
    .key_len = sizeof key_bytes,
    .stack = {full_stack, MSC_STACK_MAX},
};

static const struct msc_ev_map_op record_map_access = {
    .map = 0x601,
    .map_gen = 602,
    .seq = 603,
    .key_id = 0x604,
    .rate = 605,
    .begin_ns = 606,
    .end_ns = 607,
    .found = 1,
    .count = 608,
    .version = 609,
    .scope = 0x610,
    .action = 0x611,
    .stack = {two_frames, 1},
};

static const struct msc_ev_map_op record_map_delete = {
    .map = 0x701,
    .map_gen = 702,
    .seq = 703,
    .key_id = 0x704,
    .rate = 705,
    .begin_ns = 706,
    .end_ns = 707,
    .found = 1,
    .count = 708,
    .version = 709,
    .scope = 0x710,
    .action = 0x711,
    .stack = {two_frames, 2},
};

static const struct msc_ev_map_op record_map_clear = {
    .map = 0x801,
    .map_gen = 802,
    .seq = 803,
    .key_id = 0x804,
    .rate = 805,
    .begin_ns = 806,
    .end_ns = 807,
    .found = 1,
    .count = 808,
    .version = 809,
    .scope = 0x810,
    .action = 0x811,
    .stack = {two_frames, 2},
};

static const struct msc_ev_map_iter record_map_iter_begin = {
    .map = 0x901,
    .map_gen = 902,
    .iter = 0x903,
    .count = 904,
    .visited = 0,
    .grew = 0,
    .mutated = 0,
    .action = 0x905,
    .stack = {two_frames, 2},
};

static const struct msc_ev_map_iter record_map_iter_end = {
    .map = 0x1001,
    .map_gen = 1002,
    .iter = 0x1003,
    .count = 1004,
    .visited = 1005,
    .grew = 1,
    .mutated = 2,
    .action = 0x1006,
    .stack = {two_frames, 2},
};

static const struct msc_ev_map_fault record_map_fault = {
    .map = 0x1101,
    .map_gen = 1102,
    .kind = 3,
    .key_id = 0x1103,
    .tid = 1104,
    .other_tid = 1105,
    .other_pc = 0x1106,
    .stack = {two_frames, 2},
};

static const struct msc_ev_syncmap_promote record_syncmap_promote = {
    .map = 0x2501,
    .map_gen = 2502,
    .misses = 2503,
    .dirty_len = 2504,
};

static const struct msc_ev_map_writer_timeout record_map_writer_timeout = {
    .map = 0x2601,
    .map_gen = 2602,
    .key_id = 0x2603,
    .waited_ns = 2604,
};

static const struct msc_ev_reclaim_stall record_reclaim_stall = {
    .reader_tid = 2701,
    .pending_bytes = 2702,
    .waited_ns = 2703,
};

static const struct msc_ev_map_copy record_map_clone = {
    .src = 0x2601,
    .src_gen = 2602,
    .dst = 0x2603,
    .dst_gen = 2604,
    .handle = 2605,
    .count = 2606,
    .deep = 1,
    .action = 0x2607,
    .stack = {two_frames, 2},
};

static const struct msc_ev_map_copy record_map_alias = {
    .src = 0x2701,
    .src_gen = 2702,
    .dst = 0x2703,
    .dst_gen = 2704,
    .handle = 2705,
    .count = 2706,
    .deep = 0,
    .action = 0x2707,
    .stack = {two_frames, 2},
};

static const struct msc_ev_map_copy record_map_swap = {
    .src = 0x2801,
    .src_gen = 2802,
    .dst = 0x2803,
    .dst_gen = 2804,
    .handle = 2805,
    .count = 2806,
    .deep = 0,
    .action = 0x2807,
    .stack = {two_frames, 2},
};

static const struct msc_ev_map_life record_map_inventory = {
    .map = 0x2901,
    .map_gen = 2902,
    .name = "older",
    .flavor = 2903,
    .flags = 2904,
    .key_size = 2905,
    .value_size = 2906,
    .hint = 2907,
    .B = 2908,
    .hash0 = 0x2909,
    .count = 2910,
    .stack = {two_frames, 1},
};

static const struct msc_ev_defer_push record_defer_push = {
    .action = 0x1201,
    .scope = 0x1202,
    .fn = 0x1203,
    .map = 0x1204,
    .map_gen = 1205,
    .key_id = 0x1206,
    .version = 1207,
    .stack = {two_frames, 2},
};

static const struct msc_ev_defer_run record_defer_run_begin = {
    .action = 0x1301,
    .scope = 0x1302,
    .fn = 0x1303,
    .map = 0x1304,
    .map_gen = 1305,
    .key_id = 0x1306,
    .version = 1307,
    .handed_over = 1,
};

static const struct msc_ev_defer_run record_defer_run_end = {
    .action = 0x1401,
    .scope = 0x1402,
    .fn = 0x1403,
    .map = 0x1404,
    .map_gen = 1405,
    .key_id = 0x1406,
    .version = 1407,
    .handed_over = 0,
};

static const struct msc_ev_lock_wait record_lock_wait = {
    .lock = 0x1501,
    .lock_gen = 1502,
    .name = "cache \"lock\"",
    .kind = MSC_LOCK_MUTEX,
    .mode = MSC_MODE_SHARED,
    .begin_ns = 1503,
    .wait_ns = 1504,
    .weight = 3 * MSC_WEIGHT_ONE / 2,
    .result = MSC_WAIT_TIMEOUT,
    .owner_tid = 1505,
    .hold_seq = 1506,
    .stack = {two_frames, 2},
};

static const struct msc_ev_lock_release record_lock_release = {
    .lock = 0x1601,
    .lock_gen = 1602,
    .name = "cache",
    .kind = 1603,
    .mode = 1604,
    .release_ns = 1605,
    .contended_ns = 1606,
    .charge_ns = 1607,
    .handoff_ns = 1608,
    .waiters = 1609,
    .hold_seq = 1610,
    .weight = MSC_WEIGHT_ONE,
    .stack = {two_frames, 2},
};

static const struct msc_ev_lock_hold record_lock_hold = {
    .lock = 0x2901,
    .lock_gen = 2902,
    .name = "cache",
    .kind = 2903,
    .mode = 2904,
    .begin_ns = 2905,
    .hold_ns = 2906,
    .hold_seq = 2907,
    .weight = 100 * MSC_WEIGHT_ONE,
    .stack = {two_frames, 2},
};

static const struct msc_ev_lock_totals record_lock_totals = {
    .lock = 0x1701,
    .lock_gen = 1702,
    .name = "cache",
    .kind = 1703,
    .map = 0x1711,
    .site = 0x1712,
    .ops = 1704,
    .contentions = 1705,
    .wait_ns = 1706,
    .charge_ns = 1707,
    .handoff_ns = 1708,
    .max_ns = 1709,
    .dropped = 1710,
};

static const struct msc_ev_lock_totals record_lock_inventory = {
    .lock = 0x3101,
    .lock_gen = 3102,
    .name = "table",
    .kind = 3103,
    .map = 0x3104,
    .site = 0x3105,
    .ops = 3106,
    .contentions = 3107,
    .wait_ns = 3108,
    .charge_ns = 3109,
    .handoff_ns = 3110,
    .max_ns = 3111,
    .dropped = 3112,
    .round = 3113,
};

static const struct msc_ev_cond_signal record_cond_signal = {
    .cond = 0x3001,
    .lock = 0x3002,
    .lock_gen = 3003,
    .begin_ns = 3004,
    .woken = 3005,
    .stack = {two_frames, 2},
};

static const struct msc_ev_thread record_thread_start = {.name = "worker 1", .creator = 1801, .start = 0x1802};
static const struct msc_ev_thread record_thread_exit = {.name = "worker 2", .creator = 1901, .start = 0x1902};

static const struct msc_ev_sampler_config record_sampler_config = {
    .map_rate = 2001,
    .mutex_mode = 2,
    .mutex_fraction = 2002,
    .mutex_rate_ns = 2003,
};

static const struct msc_ev_note record_region_begin = {0x2101, "request", "GET /", 0};
static const struct msc_ev_note record_region_end = {0x2201, "request", "", 0};
static const struct msc_ev_note record_log = {0, "audit", "caf\xc3\xa9", 1};
static const struct msc_ev_note record_variant = {0x2401, "rollout", "B", 0};

struct record {
    const char *name;
    const void *data; /* the struct that runtime/event.h names for the event */
};

static const struct record records[MSC_EVENT_COUNT] = {
#define RECORD(NAME, name) [MSC_EVENT_##NAME] = {#name, &record_##name},
    MSC_EVENTS(RECORD)
#undef RECORD
};

#endif
