/* See timeline_fixture.h. */
#include "collector/timeline_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void write_down(struct fixture *fixture, const char *format, ...) DIAG_PRINTF(2, 3);

static void write_down(struct fixture *fixture, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(fixture->text + fixture->used, TEXT_BYTES - fixture->used, format, args);
    va_end(args);
    assert_true(length >= 0 && (size_t)length < TEXT_BYTES - fixture->used);
    fixture->used += (size_t)length;
}

static void write_place(struct fixture *fixture, uint32_t pid, uint32_t row)
{
    if (pid >= TIMELINE_SYNTHETIC_PID)
        write_down(fixture, "G%u", pid - TIMELINE_SYNTHETIC_PID);
    else
        write_down(fixture, "%u", pid);
    if (row)
        write_down(fixture, "/%u", row);
}

static void write_facts(struct fixture *fixture, const struct timeline_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++) {
        const struct timeline_key_form *form = &timeline_key_forms[facts->keys[i]];
        const union timeline_value *value = &facts->values[i];
        if (form->kind == TIMELINE_KIND_TEXT)
            write_down(fixture, " %s=%s", form->text, value->text);
        else if (form->kind == TIMELINE_KIND_TRUE)
            write_down(fixture, " %s", form->text);
        else
            write_down(fixture, form->kind == TIMELINE_KIND_HEX ? " %s=0x%llx" : " %s=%llu", form->text,
                       (unsigned long long)value->number);
    }
    write_down(fixture, "\n");
}

static int on_process(void *self, uint32_t pid, const char *name, int32_t sort_index)
{
    write_place(self, pid, 0);
    write_down(self, " is %s, place %d\n", name, sort_index);
    return 0;
}

static int on_row(void *self, uint32_t pid, uint32_t row, const char *name, int32_t sort_index)
{
    (void)sort_index;
    write_place(self, pid, row);
    write_down(self, " is %s\n", name);
    return 0;
}

static void write_slice(struct fixture *fixture, const struct timeline_slice *slice)
{
    static const char *const arrows[] = {[TIMELINE_FLOW_OUT] = "->", [TIMELINE_FLOW_IN] = "<-"};
    write_place(fixture, slice->pid, slice->row);
    write_down(fixture, " [%llu %llu] %s", (unsigned long long)slice->begin_ns, (unsigned long long)slice->end_ns,
               slice->name);
    if (slice->flow)
        write_down(fixture, " %s%llu", arrows[slice->flow], (unsigned long long)(slice->flow_id - TIMELINE_FLOW_FIRST));
    write_facts(fixture, &slice->facts);
}

static int on_slice(void *self, const struct timeline_slice *slice)
{
    struct timeline_slice first, second;
    bool is_twice = timeline_slice_split(slice, &first, &second);
    if (is_twice)
        write_slice(self, &first);
    write_slice(self, is_twice ? &second : slice);
    return 0;
}

static int on_instant(void *self, const struct timeline_instant *instant)
{
    write_place(self, instant->pid, instant->row);
    write_down(self, " [%llu] %s", (unsigned long long)instant->time_ns, instant->name);
    write_facts(self, &instant->facts);
    return 0;
}

static int on_counter(void *self, const struct timeline_counter *counter)
{
    struct fixture *fixture = self;
    fixture->went_back |= counter->time_ns < fixture->counted_ns;
    fixture->counted_ns = counter->time_ns;
    fixture->last_count = counter->value;
    if (counter->value < fixture->least_count)
        fixture->least_count = counter->value;
    if (fixture->is_mute)
        return 0;
    write_place(self, counter->pid, 0);
    write_down(self, " [%llu] %s %s = %lld\n", (unsigned long long)counter->time_ns, counter->name, counter->series,
               (long long)counter->value);
    return 0;
}

static int on_metadata(void *self, const char *key, const char *value)
{
    write_down(self, "%s: %s\n", key, value);
    return 0;
}

static const struct symbol_location *resolve(void *self, uint32_t pid, uint64_t return_address, uint64_t time_ns)
{
    static const struct symbol_frame frames[] = {
        {.function = "?"}, {.function = "handle_request"}, {.function = "drop_session"}};
    static const struct symbol_frame inlined[] = {{.function = "msc_mutex_unlock"}, {.function = "leave"}};
    static const struct symbol_location unlock = {.frames = inlined, .frame_count = 2};
    static const struct symbol_location locations[] = {{.frames = &frames[0], .frame_count = 1},
                                                       {.frames = &frames[1], .frame_count = 1},
                                                       {.frames = &frames[2], .frame_count = 1}};
    (void)self;
    (void)pid;
    (void)time_ns;
    if (return_address == 0x31)
        return &unlock;
    return &locations[return_address == 0x11 ? 1 : return_address == 0x21 ? 2 : 0];
}

const struct symbols symbols = {.resolve = resolve};

static void start(struct fixture *fixture, const struct findings *findings, const struct process_table *processes)
{
    *fixture = (struct fixture){.used = 0};
    diag_init(&fixture->diag);
    struct timeline_sink writer = {.process = on_process,
                                   .row = on_row,
                                   .slice = on_slice,
                                   .instant = on_instant,
                                   .counter = on_counter,
                                   .metadata = on_metadata,
                                   .self = fixture};
    static const struct losses losses = {
        .discarded_events = 12, .damaged_packets = 3, .known_traces = 1, .end = LOSSES_END_SIZE};
    static const struct contention_lock nameless = {
        .pid = PID, .object = {0x7000, 1}, .name = "", .title = "unnamed in init"};
    static const struct contention_view contention = {.locks = &nameless, .lock_count = 1};
    struct timeline_options options = {.contention = &contention,
                                       .base_ns = 1000,
                                       .symbols = &symbols,
                                       .losses = &losses,
                                       .findings = findings,
                                       .processes = processes};
    assert_int_equal(timeline_check_create(&writer, &fixture->diag, &fixture->check), 0);
    assert_int_equal(timeline_create(timeline_check_sink(fixture->check), &options, &fixture->timeline), 0);
}

int setup(void **state)
{
    static struct fixture fixture;
    start(&fixture, NULL, NULL);
    *state = &fixture;
    return 0;
}

int teardown(void **state)
{
    struct fixture *fixture = *state;
    timeline_destroy(fixture->timeline);
    timeline_check_destroy(fixture->check);
    diag_fini(&fixture->diag);
    return 0;
}

void restart(struct fixture *fixture, const struct findings *findings, const struct process_table *processes)
{
    void *state = fixture;
    teardown(&state);
    start(fixture, findings, processes);
}

void apply(struct fixture *fixture, struct event event)
{
    if (!event.pid)
        event.pid = PID;
    if (!event.tid)
        event.tid = MAIN;
    assert_int_equal(timeline_apply(fixture->timeline, &event), 0);
}

void assert_drawn(struct fixture *fixture, const char *expected)
{
    assert_string_equal(fixture->text, expected);
    fixture->used = 0;
    fixture->text[0] = '\0';
}

void assert_told(const struct fixture *fixture, const char *expected)
{
    if (!strstr(fixture->text, expected))
        fail_msg("no line \"%s\" in\n%s", expected, fixture->text);
}

void finish(struct fixture *fixture, uint64_t end_ns)
{
    assert_int_equal(timeline_finish(fixture->timeline, end_ns), 0);
    if (timeline_check_finish(fixture->check))
        fail_msg("%s", diag_text(&fixture->diag));
}

struct event_text text(const char *bytes)
{
    return (struct event_text){.data = bytes, .length = (uint32_t)strlen(bytes)};
}

const struct event_object sessions = {.address = 0x5000, .generation = 1};
const struct event_object mutex = {.address = 0x6000, .generation = 2};

struct event map_alloc(uint64_t time_ns)
{
    return (struct event){.kind = EVENT_MAP_ALLOC,
                          .time_ns = time_ns,
                          .map_life = {.map = sessions, .name = text("sessions"), .B = 2, .count = 3}};
}

struct event map_op(enum event_kind kind, uint64_t begin_ns, uint64_t version, uint64_t seq)
{
    static const uint64_t caller = 0x11;
    return (struct event){.kind = kind,
                          .time_ns = begin_ns + 12,
                          .stack = {.pcs = &caller, .count = 1},
                          .map_op = {.map = sessions,
                                     .key_id = 0xabc,
                                     .rate = 1,
                                     .begin_ns = begin_ns,
                                     .end_ns = begin_ns + 10,
                                     .version = version,
                                     .seq = seq,
                                     .found = kind != EVENT_MAP_ASSIGN}};
}

struct event defer_event(enum event_kind kind, uint64_t time_ns, uint64_t version)
{
    return (struct event){.kind = kind,
                          .time_ns = time_ns,
                          .defer = {.action = 77, .fn = 0x20, .map = sessions, .key_id = 0xabc, .version = version}};
}

struct event region(enum event_kind kind, uint64_t id, uint64_t time_ns)
{
    return (struct event){
        .kind = kind, .time_ns = time_ns, .note = {.id = id, .category = text("http"), .message = text("GET /")}};
}

struct event lock_wait(uint32_t tid, uint64_t begin_ns, uint64_t end_ns)
{
    return (struct event){
        .kind = EVENT_LOCK_WAIT,
        .tid = tid,
        .time_ns = 100000 + end_ns,
        .lock_wait = {.lock = mutex, .begin_ns = begin_ns, .wait_ns = end_ns - begin_ns, .weight = EVENT_WEIGHT_ONE}};
}

void replace_under_cleanup(struct fixture *fixture)
{
    apply(fixture, map_alloc(1000));
    apply(fixture, map_op(EVENT_MAP_ASSIGN, 1100, 5, 1));
    apply(fixture, defer_event(EVENT_DEFER_PUSH, 1200, 5));
    struct event other = map_op(EVENT_MAP_ASSIGN, 1300, 6, 2);
    other.tid = WORKER;
    other.map_op.found = true;
    apply(fixture, other);
}

void run_cleanup(struct fixture *fixture, uint64_t seen, uint64_t removed, uint64_t seq)
{
    apply(fixture, defer_event(EVENT_DEFER_RUN_BEGIN, 1400, seen));
    struct event removal = map_op(EVENT_MAP_DELETE, 1500, removed, seq);
    removal.map_op.action = 77;
    apply(fixture, removal);
    apply(fixture, defer_event(EVENT_DEFER_RUN_END, 1600, seen));
}
