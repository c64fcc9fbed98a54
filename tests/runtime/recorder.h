/*
 * A tracer for tests: keeps every record it gets, whole. With it, a clock that shows 1000, 1010, 1020, ...
 * ns: the n-th read is known.
 */
#ifndef TESTS_RUNTIME_RECORDER_H
#define TESTS_RUNTIME_RECORDER_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/config.h"
#include "runtime/emit.h"
#include "support/cmocka_main.h"

#define RECORDS_MAX 20000
#define RECORD_TEXT 320

struct record {
    enum msc_event event;
    union {
        struct msc_ev_map_life life;
        struct msc_ev_map_grow grow;
        struct msc_ev_map_grow_end grow_end;
        struct msc_ev_map_assign assign;
        struct msc_ev_map_op op;
        struct msc_ev_map_iter iter;
        struct msc_ev_map_fault fault;
        struct msc_ev_map_copy copy;
        struct msc_ev_defer_push push;
        struct msc_ev_defer_run run;
        struct msc_ev_note note;
        struct msc_ev_syncmap_promote promote;
        struct msc_ev_map_writer_timeout timeout;
        struct msc_ev_reclaim_stall stall;
    };
    char text[RECORD_TEXT], category[RECORD_TEXT]; /* name, key bytes or message */
    uint32_t stack_count;
    uintptr_t stack_leaf;
};

static struct record *records;
static size_t record_count;
static union msc_gate *gates;
static uint64_t clock_reads;

static uint64_t fake_clock(void)
{
    return 1000 + 10 * clock_reads++;
}

static void keep_stack(struct record *record, const struct msc_stack *stack)
{
    record->stack_count = stack->count;
    record->stack_leaf = stack->count ? stack->pcs[0] : 0;
}

static void keep_map(struct record *record, enum msc_event event, const void *from)
{
    switch (event) {
    case MSC_EVENT_MAP_ALLOC:
    case MSC_EVENT_MAP_FREE:
    case MSC_EVENT_MAP_INVENTORY:
        memcpy(&record->life, from, sizeof record->life);
        snprintf(record->text, RECORD_TEXT, "%s", record->life.name);
        keep_stack(record, &record->life.stack);
        break;
    case MSC_EVENT_MAP_GROW:
        memcpy(&record->grow, from, sizeof record->grow);
        break;
    case MSC_EVENT_MAP_GROW_END:
        memcpy(&record->grow_end, from, sizeof record->grow_end);
        break;
    case MSC_EVENT_MAP_ASSIGN:
        memcpy(&record->assign, from, sizeof record->assign);
        if (record->assign.key)
            memcpy(record->text, record->assign.key, record->assign.key_len);
        keep_stack(record, &record->assign.stack);
        break;
    case MSC_EVENT_MAP_ACCESS:
    case MSC_EVENT_MAP_DELETE:
    case MSC_EVENT_MAP_CLEAR:
        memcpy(&record->op, from, sizeof record->op);
        keep_stack(record, &record->op.stack);
        break;
    case MSC_EVENT_MAP_ITER_BEGIN:
    case MSC_EVENT_MAP_ITER_END:
        memcpy(&record->iter, from, sizeof record->iter);
        keep_stack(record, &record->iter.stack);
        break;
    case MSC_EVENT_MAP_CLONE:
    case MSC_EVENT_MAP_ALIAS:
    case MSC_EVENT_MAP_SWAP:
        memcpy(&record->copy, from, sizeof record->copy);
        keep_stack(record, &record->copy.stack);
        break;
    case MSC_EVENT_MAP_FAULT:
        memcpy(&record->fault, from, sizeof record->fault);
        keep_stack(record, &record->fault.stack);
        break;
    case MSC_EVENT_SYNCMAP_PROMOTE:
        memcpy(&record->promote, from, sizeof record->promote);
        break;
    case MSC_EVENT_MAP_WRITER_TIMEOUT:
        memcpy(&record->timeout, from, sizeof record->timeout);
        break;
    case MSC_EVENT_RECLAIM_STALL:
        memcpy(&record->stall, from, sizeof record->stall);
        break;
    default:
        break;
    }
}

static void keep_other(struct record *record, enum msc_event event, const void *from)
{
    switch (event) {
    case MSC_EVENT_DEFER_PUSH:
        memcpy(&record->push, from, sizeof record->push);
        keep_stack(record, &record->push.stack);
        break;
    case MSC_EVENT_DEFER_RUN_BEGIN:
    case MSC_EVENT_DEFER_RUN_END:
        memcpy(&record->run, from, sizeof record->run);
        break;
    case MSC_EVENT_REGION_BEGIN:
    case MSC_EVENT_REGION_END:
    case MSC_EVENT_LOG:
    case MSC_EVENT_VARIANT:
        memcpy(&record->note, from, sizeof record->note);
        snprintf(record->category, RECORD_TEXT, "%s", record->note.category);
        snprintf(record->text, RECORD_TEXT, "%s", record->note.message);
        break;
    default:
        break;
    }
}

static void keep(enum msc_event event, const void *from)
{
    if (event == MSC_EVENT_THREAD_START || event == MSC_EVENT_THREAD_EXIT || event == MSC_EVENT_SAMPLER_CONFIG ||
        event == MSC_EVENT_LOCK_INVENTORY)
        return; /* announced by the seam itself */
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    assert_true(record_count < RECORDS_MAX);
    struct record *record = &records[record_count++];
    *record = (struct record){.event = event};
    keep_map(record, event, from);
    keep_other(record, event, from);
    pthread_mutex_unlock(&lock);
}

static void set_gates(int on)
{
    for (int event = 0; event < MSC_EVENT_COUNT; event++)
        atomic_store(&gates[event].state.on, on);
    for (int kind = 0; kind < MSC_PROBE_EVENTS; kind++)
        msc_probe_gates[kind].on = on;
}

/* Everything is on, every key kept, no key bytes. */
static int recorder_setup(void **state)
{
    (void)state;
    records = calloc(RECORDS_MAX, sizeof *records);
    record_count = 0;
    clock_reads = 0;
    clock_source = fake_clock;
    config = (struct config){.map_rate = 1, .key_seed = 7};
    config_apply(&config);
    msc_emit_reset();
    assert_int_equal(msc_emit_register(keep, &gates), 0);
    set_gates(1);
    return 0;
}

static int recorder_teardown(void **state)
{
    (void)state;
    set_gates(0);
    msc_emit_reset();
    clock_source = clock_monotonic_ns;
    free(records);
    return 0;
}

static inline void recorder_close_gates(void)
{
    set_gates(0);
}

static inline void recorder_open_gates(void)
{
    set_gates(1);
}

/* The n-th record of this event, from 0; there must be one. */
static inline const struct record *recorded(enum msc_event event, size_t n)
{
    for (size_t i = 0; i < record_count; i++)
        if (records[i].event == event && n-- == 0)
            return &records[i];
    fail_msg("event %d was not recorded as often", (int)event);
    return NULL;
}

static inline size_t recorded_count(enum msc_event event)
{
    size_t count = 0;
    for (size_t i = 0; i < record_count; i++)
        count += records[i].event == event;
    return count;
}

#define recorder_test(test) cmocka_unit_test_setup_teardown(test, recorder_setup, recorder_teardown)

#endif
