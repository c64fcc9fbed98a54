/*
 * What tests of the timeline share: a timeline that is written down as text, and events to draw. Failures end the
 * test.
 *
 *     static void test_growth_is_drawn(void **state)           // DRAWING_TEST(test_growth_is_drawn) in main
 *     {
 *         struct fixture *fixture = *state;
 *         apply(fixture, map_alloc(1000));
 *         assert_drawn(fixture, "G1 [1000] entries in the map = 3\n");
 *         finish(fixture, 2000);
 *         assert_told(fixture, "G1 is map sessions (pid 1234), place 1\n");
 *     }
 *
 * Places are written as pid or pid/row, synthetic pids as G1, G2..., times in brackets, flows as ->0 and <-0.
 */
#ifndef TESTS_TIMELINE_FIXTURE_H
#define TESTS_TIMELINE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/analyses/timeline.h"

enum { PID = 1234, MAIN = 1234, WORKER = 1235, TEXT_BYTES = 1 << 16 };

/* A timeline that is written down as text, a line a call. */
struct fixture {
    struct timeline_check *check;
    struct timeline_builder *timeline;
    struct diag diag;
    char text[TEXT_BYTES];
    size_t used; /* 0 again: what was written so far is of no matter */
    uint64_t counted_ns;
    bool went_back;                  /* a counter was drawn before another one */
    int64_t last_count, least_count; /* of the counters */
    bool is_mute;                    /* counters are not written down */
};

/* A test whose state is a fixture: a recording from 1000 ns on that lost 12 events and 3 packets. */
#define DRAWING_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int setup(void **state);
int teardown(void **state);
/* From the beginning, with findings and names; both are borrowed, and either may be NULL. */
void restart(struct fixture *fixture, const struct findings *findings, const struct process_table *processes);

/* An event of PID and MAIN unless it says otherwise. */
void apply(struct fixture *fixture, struct event event);
void finish(struct fixture *fixture, uint64_t end_ns);
/* All that was written since the last call, or since it was of no matter, is `expected`. */
void assert_drawn(struct fixture *fixture, const char *expected);
/* `expected` is among it: a part of a line, or several lines. */
void assert_told(const struct fixture *fixture, const char *expected);

/* Two functions, at 0x10 and 0x20, and at 0x30 an unlock in one of the user's; anything else has no name. */
extern const struct symbols symbols;
extern const struct event_object sessions, mutex;

struct event_text text(const char *bytes);
struct event map_alloc(uint64_t time_ns);
/* On the key 0xabc of `sessions`, called by handle_request; it takes 10 ns and is told 2 ns later. */
struct event map_op(enum event_kind kind, uint64_t begin_ns, uint64_t version, uint64_t seq);
/* Of the action 77, drop_session, for that key. */
struct event defer_event(enum event_kind kind, uint64_t time_ns, uint64_t version);
struct event region(enum event_kind kind, uint64_t id, uint64_t time_ns);
/* For `mutex`; told 100000 ns after its end. */
struct event lock_wait(uint32_t tid, uint64_t begin_ns, uint64_t end_ns);

/* Version 5, whose cleanup MAIN registered, is replaced by WORKER's version 6. */
void replace_under_cleanup(struct fixture *fixture);
/* MAIN's cleanup, registered when the entry had `seen`, runs from 1400 to 1600 and deletes `removed` at 1500. */
void run_cleanup(struct fixture *fixture, uint64_t seen, uint64_t removed, uint64_t seq);

#endif
