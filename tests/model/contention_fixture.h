/*
 * A small recording with known numbers, for the tests of profiles and of the report: two processes of one
 * program, two locks, a fake symboliser. Conservation holds: 1,500,000,977 + 300 ns on both sides.
 */
#ifndef TESTS_MODEL_CONTENTION_FIXTURE_H
#define TESTS_MODEL_CONTENTION_FIXTURE_H

#include "support/cmocka_main.h"

#include <string.h>

#include "model/contention.h"
#include "model/losses.h"
#include "model/process.h"
#include "model/stacks.h"
#include "model/symbols.h"

enum { SERVER = 100, WORKER = 101 };

/* Return addresses. */
enum {
    IN_UNLOCK = 0x7f0000001010, /* msc_mutex_unlock in libmapscope.so */
    IN_LOCK = 0x7f0000001110,
    IN_PUT = 0x401111, /* cache_put with key_hash inlined into it */
    IN_REMOVE = 0x401222,
    IN_HANDLE = 0x401333,
    IN_MAIN = 0x401444,
    IN_NOWHERE = 0x123456, /* in no module */
};

static const struct symbol_module fixture_modules[] = {
    {1, SERVER, 0x7f0000001000, 0x7f0000002000, 0x1000, "/usr/lib/libmapscope.so.0", "ab01", true, false, false, false,
     "no debug information"},
    {2, SERVER, 0x401000, 0x402000, 0x1000, "/opt/app/server", "c0ffee", true, true, true, true, ""},
    {3, WORKER, 0x401000, 0x402000, 0x1000, "/opt/app/server", "c0ffee", true, true, true, true, ""},
    {4, WORKER, 0x7f0000001000, 0x7f0000002000, 0x1000, "/usr/lib/libmapscope.so.0", "ab01", true, false, false, false,
     "no debug information"},
};

#define FRAME(function, line, start)                                                                                   \
    {                                                                                                                  \
        function, function, "session_cache.c", line, start                                                             \
    }

static const struct symbol_frame frames_unlock[] = {{"msc_mutex_unlock", "msc_mutex_unlock", "", 0, 0}};
static const struct symbol_frame frames_lock[] = {{"msc_mutex_lock", "msc_mutex_lock", "", 0, 0}};
static const struct symbol_frame frames_put[] = {FRAME("key_hash", 7, 5), FRAME("cache_put", 12, 10)};
static const struct symbol_frame frames_remove[] = {
    {"cache_remove(int)", "_Z12cache_removei", "session_cache.c", 22, 20}};
static const struct symbol_frame frames_handle[] = {FRAME("handle_request", 33, 30)};
static const struct symbol_frame frames_main[] = {FRAME("main", 44, 40)};
static const struct symbol_frame frames_nowhere[] = {{"0x123455", "0x123455", "", 0, 0}};

#define LOCATION(address, module, frames)                                                                              \
    {                                                                                                                  \
        (address) - 1, module, frames, sizeof(frames) / sizeof *(frames)                                               \
    }

static const struct symbol_location fixture_locations[] = {
    LOCATION(IN_UNLOCK, &fixture_modules[0], frames_unlock), LOCATION(IN_LOCK, &fixture_modules[0], frames_lock),
    LOCATION(IN_PUT, &fixture_modules[1], frames_put),       LOCATION(IN_REMOVE, &fixture_modules[1], frames_remove),
    LOCATION(IN_HANDLE, &fixture_modules[1], frames_handle), LOCATION(IN_MAIN, &fixture_modules[1], frames_main),
    LOCATION(IN_PUT, &fixture_modules[2], frames_put),       LOCATION(IN_MAIN, &fixture_modules[2], frames_main),
    LOCATION(IN_LOCK, &fixture_modules[3], frames_lock),     LOCATION(IN_UNLOCK, &fixture_modules[3], frames_unlock),
};
static const struct symbol_location fixture_nowhere = LOCATION(IN_NOWHERE, NULL, frames_nowhere);

static inline const struct symbol_location *fixture_resolve(void *self, uint32_t pid, uint64_t return_address,
                                                            uint64_t time_ns)
{
    (void)self;
    (void)time_ns;
    for (size_t i = 0; i < sizeof fixture_locations / sizeof *fixture_locations; i++)
        if (fixture_locations[i].module->pid == pid && fixture_locations[i].address == return_address - 1)
            return &fixture_locations[i];
    return &fixture_nowhere;
}

struct fixture {
    struct stacks *stacks;
    struct symbols symbols;
    struct process_table processes;
    struct losses losses;
    struct contention_view view;
    stack_id put_unlock, remove_unlock, put_lock, handle_lock, worker_lock, worker_unlock;
    struct contention_lock locks[2];
    struct contention_site sites[6];
    struct contention_part parts[7];
    struct contention_sampler sampler;
};

static inline stack_id fixture_stack(struct fixture *f, uint32_t pid, const uint64_t *pcs, uint32_t count)
{
    stack_id id;
    assert_int_equal(stacks_intern(f->stacks, pid, pcs, count, 1000, &id), 0);
    return id;
}
#define STACK(f, pid, ...)                                                                                             \
    fixture_stack(f, pid, (uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

#define TEXT(literal) ((struct event_text){literal, sizeof(literal) - 1})

static inline void fixture_process(struct fixture *f, uint32_t pid)
{
    struct event event = {.kind = EVENT_PROCESS_NAME, .pid = pid, .tid = pid, .process_name = TEXT("server")};
    assert_int_equal(process_table_apply(&f->processes, &event), 0);
    event.kind = EVENT_MODULE_LOAD;
    event.module =
        (struct event_module){.base = 0x7f0000000000, .size = 0x4000, .path = TEXT("/usr/lib/libmapscope.so.0")};
    assert_int_equal(process_table_apply(&f->processes, &event), 0);
    event.module = (struct event_module){.base = 0x400000, .size = 0x4000, .path = TEXT("/opt/app/server")};
    assert_int_equal(process_table_apply(&f->processes, &event), 0);
    event.kind = EVENT_MODULE_BUILD_ID;
    event.module = (struct event_module){.base = 0x400000, .build_id = TEXT("\xc0\xff\xee")};
    assert_int_equal(process_table_apply(&f->processes, &event), 0);
}

static inline void fixture_stacks(struct fixture *f)
{
    f->put_unlock = STACK(f, SERVER, IN_UNLOCK, IN_PUT, IN_HANDLE, IN_MAIN);
    f->remove_unlock = STACK(f, SERVER, IN_UNLOCK, IN_REMOVE, IN_MAIN);
    f->put_lock = STACK(f, SERVER, IN_LOCK, IN_PUT, IN_HANDLE, IN_MAIN);
    f->handle_lock = STACK(f, SERVER, IN_LOCK, IN_HANDLE, IN_MAIN);
    f->worker_unlock = STACK(f, WORKER, IN_UNLOCK, IN_PUT, IN_MAIN);
    f->worker_lock = STACK(f, WORKER, IN_LOCK, IN_PUT, IN_NOWHERE, IN_MAIN);
}

static inline struct contention_part fixture_part(uint64_t wait_ns, uint64_t count, uint64_t delay_ns)
{
    return (struct contention_part){
        .bucket = contention_bucket_of(wait_ns), .thread = "", .count = count, .delay_ns = delay_ns};
}

static inline void fixture_sites(struct fixture *f)
{
    f->parts[0] = fixture_part(1500, 2, 3000);
    f->parts[1] = fixture_part(250000000, 4, 1000000000);
    f->parts[2] = fixture_part(499997977, 1, 499997977);
    f->parts[3] = fixture_part(300, 1, 300);
    f->parts[4] = (struct contention_part){.thread = "phone", .count = 10, .delay_ns = 1500000000};
    f->parts[5] = (struct contention_part){.thread = "", .count = 3, .delay_ns = 200};
    f->parts[6] = (struct contention_part){.thread = "", .count = 1, .delay_ns = 300};
    f->sites[0] = (struct contention_site){.stack = f->put_unlock,
                                           .count = 10,
                                           .delay_ns = 1500000000,
                                           .max_ns = 500000000,
                                           .parts = &f->parts[4],
                                           .part_count = 1};
    f->sites[1] = (struct contention_site){
        .stack = f->remove_unlock, .count = 3, .delay_ns = 200, .max_ns = 100, .parts = &f->parts[5], .part_count = 1};
    f->sites[2] = (struct contention_site){.stack = f->put_lock,
                                           .count = 6,
                                           .delay_ns = 1000003000,
                                           .max_ns = 400000000,
                                           .parts = &f->parts[0],
                                           .part_count = 2};
    f->sites[3] = (struct contention_site){.stack = f->handle_lock,
                                           .count = 1,
                                           .delay_ns = 499997977,
                                           .max_ns = 499997977,
                                           .result = CONTENTION_TIMEOUT,
                                           .parts = &f->parts[2],
                                           .part_count = 1};
    f->sites[4] = (struct contention_site){.stack = f->worker_unlock,
                                           .mode = CONTENTION_SHARED,
                                           .count = 1,
                                           .delay_ns = 300,
                                           .max_ns = 300,
                                           .parts = &f->parts[6],
                                           .part_count = 1};
    f->sites[5] = (struct contention_site){.stack = f->worker_lock,
                                           .mode = CONTENTION_SHARED,
                                           .count = 1,
                                           .delay_ns = 300,
                                           .max_ns = 300,
                                           .parts = &f->parts[3],
                                           .part_count = 1};
}

static inline void fixture_locks(struct fixture *f)
{
    f->locks[0] = (struct contention_lock){.pid = SERVER,
                                           .object = {0x7000, 1},
                                           .name = "session table",
                                           .map = "",
                                           .holder = "",
                                           .releasers = &f->sites[0],
                                           .releaser_count = 2,
                                           .waiters = &f->sites[2],
                                           .waiter_count = 2,
                                           .releases = 13,
                                           .charge_ns = 1500000200,
                                           .handoff_ns = 777,
                                           .waits = 7,
                                           .wait_ns = 1500000977,
                                           .max_wait_ns = 499997977,
                                           .has_totals = true,
                                           .totals = {.ops = 5000,
                                                      .contentions = 7,
                                                      .wait_ns = 1500000977,
                                                      .charge_ns = 1500000200,
                                                      .handoff_ns = 777,
                                                      .max_ns = 499997977}};
    f->locks[1] = (struct contention_lock){.pid = WORKER,
                                           .object = {0x8000, 1},
                                           .name = "",
                                           .map = "",
                                           .holder = "",
                                           .releasers = &f->sites[4],
                                           .releaser_count = 1,
                                           .waiters = &f->sites[5],
                                           .waiter_count = 1,
                                           .releases = 1,
                                           .charge_ns = 300,
                                           .waits = 1,
                                           .wait_ns = 300,
                                           .max_wait_ns = 300};
    f->sampler = (struct contention_sampler){1, 1, 0};
    f->view = (struct contention_view){.locks = f->locks,
                                       .lock_count = 2,
                                       .releases = 14,
                                       .charge_ns = 1500000500,
                                       .handoff_ns = 777,
                                       .waits = 8,
                                       .wait_ns = 1500001277,
                                       .totals = f->locks[0].totals,
                                       .totals_count = 1,
                                       .samplers = &f->sampler,
                                       .sampler_count = 1};
}

static inline void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->symbols.resolve = fixture_resolve;
    assert_int_equal(stacks_create(&f->stacks), 0);
    process_table_init(&f->processes);
    fixture_process(f, SERVER);
    fixture_process(f, WORKER);
    f->losses.events = 1234;
    fixture_stacks(f);
    fixture_sites(f);
    fixture_locks(f);
}

/* As if nobody had ever waited. */
static inline void fixture_empty(struct fixture *f)
{
    f->locks[0] = (struct contention_lock){.pid = SERVER,
                                           .object = {0x7000, 1},
                                           .name = "session table",
                                           .map = "",
                                           .holder = "",
                                           .has_totals = true,
                                           .totals = {.ops = 5000}};
    f->view = (struct contention_view){.locks = f->locks, .lock_count = 1, .totals = {.ops = 5000}, .totals_count = 1};
}

static inline void fixture_fini(struct fixture *f)
{
    stacks_destroy(f->stacks);
    process_table_fini(&f->processes);
}

#endif
