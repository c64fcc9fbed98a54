/* collector/decode with events made by hand, and against docs/events.md. */
#include "support/cmocka_main.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/compile.h"
#include "collector/ctf/plan.h"
#include "collector/decode.h"
#include "runtime/event.h"

enum { RECORD_BYTES = CTF_PLAN_BYTES, SCRATCH = 64, TEXT_BYTES = 4096 };

static uint64_t wanted_kinds; /* of which all is decoded */

/* An event under construction: its fields in TSDL, and its bytes; the contexts come first. */
struct part {
    char fields[TEXT_BYTES];
    uint8_t bytes[TEXT_BYTES];
    size_t size;
};
static struct part contexts, payload;
static const char *class_name;
static int64_t trace_pid;

/* What came out last, and what it points to. */
static struct event out;
static struct tsdl_trace trace;
static struct ctf_program program;
static uint8_t packet[2 * TEXT_BYTES + CTF_SLACK_BYTES];
static uint64_t record[RECORD_BYTES / sizeof(uint64_t)], scratch[SCRATCH];

static int setup(void **state)
{
    (void)state;
    wanted_kinds = EVENT_SET_ALL;
    return 0;
}

static void release(void)
{
    ctf_program_fini(&program);
    tsdl_fini(&trace);
}

static int teardown(void **state)
{
    (void)state;
    release();
    return 0;
}

static void begin(const char *event_name)
{
    contexts = payload = (struct part){.size = 0};
    class_name = event_name;
    trace_pid = -1;
}

static void declare(struct part *part, const char *format, ...)
{
    size_t used = strlen(part->fields);
    va_list args;
    va_start(args, format);
    vsnprintf(part->fields + used, TEXT_BYTES - used, format, args);
    va_end(args);
}

static void put(struct part *part, const void *bytes, size_t size)
{
    assert_true(part->size + size <= TEXT_BYTES);
    memcpy(part->bytes + part->size, bytes, size);
    part->size += size;
}

static void number(const char *field, uint64_t value)
{
    declare(&payload, "integer { size = 64; align = 8; } _%s;", field);
    put(&payload, &value, sizeof value);
}

static void text(const char *field, const char *value)
{
    declare(&payload, "string _%s;", field);
    put(&payload, value, strlen(value) + 1);
}

static void sequence(const char *field, const char *element, const void *items, size_t item_bytes, uint32_t count)
{
    declare(&payload, "integer { size = 32; align = 8; } __%s_length; %s _%s[ __%s_length ];", field, element, field,
            field);
    put(&payload, &count, sizeof count);
    put(&payload, items, item_bytes * count);
}

static void bytes(const char *field, const char *items, uint32_t count)
{
    sequence(field, "integer { size = 8; align = 8; }", items, 1, count);
}

static void stack(const char *field, const uint64_t *items, uint32_t count)
{
    sequence(field, "integer { size = 64; align = 8; }", items, sizeof *items, count);
}

static void context(const char *field, int64_t value)
{
    declare(&contexts, "integer { size = 64; align = 8; signed = 1; } _%s;", field);
    put(&contexts, &value, sizeof value);
}

static void plan(void *self, const struct ctf_event_class *class, struct ctf_plan *made)
{
    (void)self;
    decode_plan(wanted_kinds, class, made);
}

static void compile(struct ctf_event_class *class)
{
    char *metadata;
    assert_true(asprintf(&metadata,
                         "trace { byte_order = le; }; event { name = \"%s\"; context := struct { %s };"
                         " fields := struct { %s }; };",
                         class_name, contexts.fields, payload.fields) > 0);
    assert_int_equal(tsdl_parse(metadata, strlen(metadata), NULL, &trace), 0);
    free(metadata);
    const struct ctf_part parts[] = {{trace.events[0].context, true}, {trace.events[0].fields, false}};
    assert_int_equal(ctf_compile(parts, 2, TSDL_LITTLE, &trace.arena, &program), 0);
    *class = (struct ctf_event_class){.name = trace.events[0].name,
                                      .fields = program.fields,
                                      .field_count = program.field_count,
                                      .trace_pid = trace_pid};
    assert_int_equal(ctf_plan(&program, class, plan, NULL), 0);
    assert_true(program.record_bytes <= sizeof record);
}

static const struct event *decode(void)
{
    struct ctf_event_class class;
    release();
    compile(&class);
    memcpy(packet, contexts.bytes, contexts.size);
    memcpy(packet + contexts.size, payload.bytes, payload.size);
    memset(record, 0, sizeof record);
    struct ctf_cursor cursor = {
        .bytes = packet, .end = (contexts.size + payload.size) * 8, .scratch = scratch, .scratch_capacity = SCRATCH};
    assert_int_equal(ctf_program_run(&program, &cursor, record), CTF_OK);
    memset((uint8_t *)record + program.record_bytes, 0, sizeof record - program.record_bytes);
    ((struct event *)(void *)record)->time_ns = 5000; /* where the plan has its place */
    assert_int_equal(program.time_at, offsetof(struct event, time_ns));
    struct ctf_event in = {.class = &class, .record = record};
    out = *decode_event(in.record, in.cpu);
    return &out;
}

static void assert_text(struct event_text actual, const char *expected)
{
    assert_int_equal(actual.length, strlen(expected));
    if (actual.length)
        assert_memory_equal(actual.data, expected, actual.length);
}

/* Who */

static void test_pid_and_tid_come_from_the_contexts(void **state)
{
    (void)state;
    begin("mapscope:thread_exit");
    context("vpid", 70);
    context("vtid", 71);
    trace_pid = 99;
    assert_int_equal(decode()->pid, 70);
    assert_int_equal(out.tid, 71);
    assert_int_equal(out.time_ns, 5000);
    assert_int_equal(out.kind, EVENT_THREAD_EXIT);
}

static void test_without_vpid_the_trace_says_the_pid(void **state)
{
    (void)state;
    begin("mapscope:thread_exit");
    trace_pid = 99;
    assert_int_equal(decode()->pid, 99);
    assert_int_equal(out.tid, 0);
}

static void test_where_nothing_says_the_pid_it_is_zero(void **state)
{
    (void)state;
    begin("mapscope:thread_exit");
    assert_int_equal(decode()->pid, 0);
    begin("mapscope:thread_exit");
    context("vpid", -1);
    context("vtid", -1);
    assert_int_equal(decode()->pid, 0);
    assert_int_equal(out.tid, 0);
}

static void test_a_payload_field_is_not_taken_for_a_context(void **state)
{
    (void)state;
    begin("mapscope:map_fault");
    context("tid", 1);
    number("vpid", 2);
    number("tid", 3);
    assert_int_equal(decode()->pid, 0);
    assert_int_equal(out.map_fault.tid, 3);
}

/* What */

static void test_an_assign_has_every_field_in_its_place(void **state)
{
    (void)state;
    const uint64_t pcs[] = {0x401000, 0x7fff00001234};
    begin("mapscope:map_assign");
    context("vpid", 70);
    number("map", 0x1000);
    number("map_gen", 2);
    number("seq", 3);
    number("key_id", UINT64_MAX);
    number("rate", 4);
    number("hash", 5);
    number("tophash", 6);
    number("bucket", 7);
    number("begin_ns", 8);
    number("end_ns", 9);
    number("inserted", 0);
    number("overflow", 10);
    number("version", 11);
    number("evac_moved", 12);
    number("evac_ns", 13);
    number("scope", 14);
    number("action", 15);
    bytes("key", "k\0\xFF", 3);
    stack("stack", pcs, 2);
    const struct event_map_op *op = &decode()->map_op;
    assert_int_equal(out.kind, EVENT_MAP_ASSIGN);
    assert_int_equal(op->map.address, 0x1000);
    assert_int_equal(op->map.generation, 2);
    assert_int_equal(op->seq, 3);
    assert_true(op->key_id == UINT64_MAX);
    assert_int_equal(op->rate, 4);
    assert_int_equal(op->hash, 5);
    assert_int_equal(op->tophash, 6);
    assert_int_equal(op->bucket, 7);
    assert_int_equal(op->begin_ns, 8);
    assert_int_equal(op->end_ns, 9);
    assert_true(op->found);
    assert_int_equal(op->overflow, 10);
    assert_int_equal(op->version, 11);
    assert_int_equal(op->evac_moved, 12);
    assert_int_equal(op->evac_ns, 13);
    assert_int_equal(op->scope, 14);
    assert_int_equal(op->action, 15);
    assert_int_equal(op->key.length, 3);
    assert_memory_equal(op->key.data, "k\0\xFF", 3);
    assert_int_equal(out.stack.count, 2);
    assert_memory_equal(out.stack.pcs, pcs, sizeof pcs);
}

static bool found_by(const char *event, const char *field, uint64_t value)
{
    begin(event);
    number(field, value);
    return decode()->map_op.found;
}

static void test_each_operation_has_its_own_word_for_found(void **state)
{
    (void)state;
    assert_true(found_by("mapscope:map_access", "hit", 1));
    assert_false(found_by("mapscope:map_access", "hit", 0));
    assert_true(found_by("mapscope:map_delete", "found", 1));
    assert_false(found_by("mapscope:map_delete", "found", 0));
    assert_true(found_by("mapscope:map_assign", "inserted", 0));
    assert_false(found_by("mapscope:map_assign", "inserted", 1));
    assert_false(found_by("mapscope:map_access", "found", 1));
}

static void test_a_key_may_be_text(void **state)
{
    (void)state;
    begin("mapscope:map_assign");
    text("key", "session-7");
    assert_text(decode()->map_op.key, "session-7");
}

static void test_a_missing_field_reads_as_zero(void **state)
{
    (void)state;
    begin("mapscope:lock_release");
    number("charge_ns", 40);
    decode();
    struct event expected = {.kind = EVENT_LOCK_RELEASE, .time_ns = 5000};
    expected.lock_release.charge_ns = 40;
    assert_memory_equal(&out.lock_release, &expected.lock_release, sizeof expected.lock_release);
    assert_int_equal(out.stack.count, 0);
}

static void test_a_field_of_another_type_is_left_out(void **state)
{
    (void)state;
    begin("mapscope:lock_wait");
    static const double floats[] = {1.5, 2.5};
    declare(&payload, "floating_point { exp_dig = 11; mant_dig = 53; align = 8; } _wait_ns;");
    put(&payload, floats, sizeof *floats);
    text("begin_ns", "soon");
    number("name", 0x1234);
    sequence("stack", "floating_point { exp_dig = 11; mant_dig = 53; align = 8; }", floats, sizeof *floats, 2);
    decode();
    assert_int_equal(out.lock_wait.wait_ns, 0);
    assert_int_equal(out.lock_wait.begin_ns, 0);
    assert_int_equal(out.lock_wait.name.length, 0);
    assert_int_equal(out.stack.count, 0);
}

static void test_a_number_too_large_is_the_largest_not_a_small_one(void **state)
{
    (void)state;
    begin("mapscope:map_assign");
    number("rate", UINT64_C(0x100000001));
    assert_int_equal(decode()->map_op.rate, UINT32_MAX);
}

static void test_an_unknown_event_keeps_its_name(void **state)
{
    (void)state;
    begin("vendor:map_assign");
    context("vpid", 70);
    number("map", 0x1000);
    assert_int_equal(decode()->kind, EVENT_OTHER);
    assert_text(out.other.name, "vendor:map_assign");
    assert_false(out.other.is_kernel);
    assert_int_equal(out.pid, 70);
}

static void test_an_event_without_a_provider_is_the_kernels(void **state)
{
    (void)state;
    begin("sched_switch");
    assert_int_equal(decode()->kind, EVENT_OTHER);
    assert_text(out.other.name, "sched_switch");
    assert_true(out.other.is_kernel);
}

/* Which fields are looked at */

static bool is_wanted(const char *event_name, const char *field_name, bool is_context)
{
    struct ctf_field field = {.name = field_name, .is_context = is_context};
    struct ctf_event_class class = {.name = event_name, .fields = &field, .field_count = 1};
    struct ctf_place place = {.form = CTF_LEFT_OUT};
    struct ctf_plan made = {.places = &place};
    decode_plan(wanted_kinds, &class, &made);
    return place.form != CTF_LEFT_OUT;
}

static void test_what_the_model_has_a_place_for_is_wanted(void **state)
{
    (void)state;
    assert_true(is_wanted("mapscope:map_assign", "key_id", false));
    assert_false(is_wanted("mapscope:map_assign", "invented", false));
    assert_false(is_wanted("vendor:map_assign", "key_id", false));
    assert_true(is_wanted("vendor:map_assign", "vpid", true));
    assert_true(is_wanted("vendor:map_assign", "vtid", true));
    assert_false(is_wanted("vendor:map_assign", "procname", true));
}

static void test_of_kinds_that_nobody_asked_for_there_is_the_header_alone(void **state)
{
    (void)state;
    wanted_kinds = EVENT_SET(EVENT_LOG);
    assert_false(is_wanted("mapscope:map_assign", "key_id", false));
    assert_true(is_wanted("mapscope:log", "id", false));
    begin("mapscope:map_assign");
    context("vpid", 70);
    context("vtid", 71);
    number("key_id", 5);
    assert_int_equal(decode()->kind, EVENT_MAP_ASSIGN);
    assert_int_equal(out.pid, 70);
    assert_int_equal(out.tid, 71);
    assert_int_equal(out.time_ns, 5000);
    assert_int_equal(out.map_op.key_id, 0);
}

/* LTTng's own events, as `babeltrace2` shows them */

static void test_a_statedump_tells_of_modules(void **state)
{
    (void)state;
    begin("lttng_ust_statedump:bin_info");
    number("baddr", 0x563284F11000);
    number("memsz", 16448);
    text("path", "/srv/server");
    number("is_pic", 0);
    number("has_build_id", 1);
    number("has_debug_link", 1);
    decode();
    assert_int_equal(out.kind, EVENT_MODULE_LOAD);
    assert_int_equal(out.module.base, 0x563284F11000);
    assert_int_equal(out.module.size, 16448);
    assert_text(out.module.path, "/srv/server");
    assert_false(out.module.is_pic);
    assert_true(out.module.has_build_id && out.module.has_debug_link);
}

static void test_a_library_loaded_later_is_position_independent(void **state)
{
    (void)state;
    begin("lttng_ust_lib:load");
    number("baddr", 0x1000);
    assert_int_equal(decode()->kind, EVENT_MODULE_LOAD);
    assert_true(out.module.is_pic);
    begin("lttng_ust_lib:unload");
    number("baddr", 0x1000);
    assert_int_equal(decode()->kind, EVENT_MODULE_UNLOAD);
    assert_int_equal(out.module.base, 0x1000);
}

static void test_a_build_id_is_collected_into_bytes(void **state)
{
    (void)state;
    static const char *const names[] = {"lttng_ust_statedump:build_id", "lttng_ust_lib:build_id"};
    for (size_t i = 0; i < 2; i++) {
        begin(names[i]);
        number("baddr", 0x1000);
        bytes("build_id", "\x61\xCE\x00\xFF", 4);
        assert_int_equal(decode()->kind, EVENT_MODULE_BUILD_ID);
        assert_int_equal(out.module.build_id.length, 4);
        assert_memory_equal(out.module.build_id.data, "\x61\xCE\x00\xFF", 4);
    }
}

static void test_names_of_processes_and_debug_links(void **state)
{
    (void)state;
    begin("lttng_ust_statedump:procname");
    text("procname", "server");
    assert_int_equal(decode()->kind, EVENT_PROCESS_NAME);
    assert_text(out.process_name, "server");
    begin("lttng_ust_statedump:debug_link");
    number("baddr", 0x1000);
    number("crc", 7);
    text("filename", "ce49.debug");
    assert_int_equal(decode()->kind, EVENT_MODULE_DEBUG_LINK);
    assert_text(out.module.debug_link, "ce49.debug");
    begin("lttng_ust_statedump:start");
    assert_int_equal(decode()->kind, EVENT_STATEDUMP_START);
}

/* The contract */

static const char *const emitted[] = {
#define NAME(NAME_UPPER, name) "mapscope:" #name,
    MSC_EVENTS(NAME)
#undef NAME
};
enum { EMITTED_COUNT = sizeof emitted / sizeof emitted[0] };

static void test_every_event_of_the_runtime_is_known(void **state)
{
    (void)state;
    bool seen[EVENT_KIND_COUNT] = {false};
    for (size_t i = 0; i < EMITTED_COUNT; i++) {
        begin(emitted[i]);
        enum event_kind kind = decode()->kind;
        assert_int_not_equal(kind, EVENT_OTHER);
        assert_false(seen[kind]);
        seen[kind] = true;
    }
}

/* Decodes an event of one field, empty or not, into `result`. */
static void decode_alone(const char *event, const char *field, const char *type, bool is_set, struct event *result)
{
    static const uint64_t item = 1;
    begin(event);
    if (strcmp(type, "string") == 0)
        text(field, is_set ? "x" : "");
    else if (strstr(type, "u8[]"))
        bytes(field, "x", is_set);
    else if (strstr(type, "[]"))
        stack(field, &item, is_set);
    else
        number(field, is_set);
    *result = *decode();
}

static void assert_reaches_the_model(const char *event, const char *field, const char *type)
{
    struct event empty, set;
    decode_alone(event, field, type, false, &empty);
    decode_alone(event, field, type, true, &set);
    if (memcmp(&empty, &set, sizeof empty) == 0)
        fail_msg("%s.%s (%s) does not reach the model", event, field, type);
}

/* Applies a table row to each event of the heading "### a, b" that the runtime emits today. */
static size_t check_row(const char *heading, const char *field, const char *type)
{
    char names[256];
    size_t checked = 0;
    snprintf(names, sizeof names, "%s", heading);
    for (char *rest = names, *name; (name = strsep(&rest, ", \n"));)
        for (size_t i = 0; i < EMITTED_COUNT; i++)
            if (strcmp(emitted[i] + strlen("mapscope:"), name) == 0) {
                assert_reaches_the_model(emitted[i], field, type);
                checked++;
            }
    return checked;
}

static void test_every_documented_field_reaches_the_model(void **state)
{
    (void)state;
    char line[1024], heading[256] = "", field[64], type[64];
    size_t checked = 0;
    FILE *docs = fopen(DOCS "/events.md", "r");
    assert_non_null(docs);
    while (fgets(line, sizeof line, docs)) {
        if (strncmp(line, "## ", 3) == 0)
            heading[0] = '\0';
        else if (strncmp(line, "### ", 4) == 0)
            snprintf(heading, sizeof heading, "%.*s", (int)sizeof heading - 1, line + 4);
        else if (heading[0] && sscanf(line, "| %63[A-Za-z0-9_] | %63s |", field, type) == 2 && strcmp(field, "field"))
            checked += check_row(heading, field, type);
    }
    fclose(docs);
    assert_true(checked > 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pid_and_tid_come_from_the_contexts),
        TEST(test_without_vpid_the_trace_says_the_pid),
        TEST(test_where_nothing_says_the_pid_it_is_zero),
        TEST(test_a_payload_field_is_not_taken_for_a_context),
        TEST(test_an_assign_has_every_field_in_its_place),
        TEST(test_each_operation_has_its_own_word_for_found),
        TEST(test_a_key_may_be_text),
        TEST(test_a_missing_field_reads_as_zero),
        TEST(test_a_field_of_another_type_is_left_out),
        TEST(test_a_number_too_large_is_the_largest_not_a_small_one),
        TEST(test_an_unknown_event_keeps_its_name),
        TEST(test_an_event_without_a_provider_is_the_kernels),
        TEST(test_what_the_model_has_a_place_for_is_wanted),
        TEST(test_of_kinds_that_nobody_asked_for_there_is_the_header_alone),
        TEST(test_a_statedump_tells_of_modules),
        TEST(test_a_library_loaded_later_is_position_independent),
        TEST(test_a_build_id_is_collected_into_bytes),
        TEST(test_names_of_processes_and_debug_links),
        TEST(test_every_event_of_the_runtime_is_known),
        TEST(test_every_documented_field_reaches_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
