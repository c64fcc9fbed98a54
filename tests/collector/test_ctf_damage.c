/*
 * Damaged traces: whatever is cut or garbled, the reader ends, counts and names the damage, and delivers every
 * event of every packet that is whole. Each folder holds a second trace, untouched, of which nothing may be lost.
 * Meant for the address and undefined behaviour sanitizers; random cases are seeded and so repeat.
 */
#include "support/cmocka_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/ctf/ctf.h"
#include "collector/ctf_everything.h"
#include "collector/ctf_reading.h"

enum {
    PACKETS = 4,
    PACKET_BYTES = 4096,
    PACKET_EVENTS = 5,
    EVENTS = PACKETS * PACKET_EVENTS,
    START_BYTES = 84, /* packet header and context */
    NUMBERS = 3,      /* in each event's sequence */
    EVENT_BYTES = 6 + 8 + 4 + 4 * NUMBERS + 3,
    TICKS = 1000,          /* between events */
#ifdef __SANITIZE_THREAD__ /* looks for other things, and takes a minute for all of it */
    CUT_STEP = 17,
    STREAM_MUTATIONS = 300,
    METADATA_MUTATIONS = 300,
    EVERY_FIELD_MUTATIONS = 20, /* of each layout */
#else
    CUT_STEP = 1,
    STREAM_MUTATIONS = 5000,
    METADATA_MUTATIONS = 5000,
    EVERY_FIELD_MUTATIONS = 300,
#endif
    GOOD_PID = 1,
    NOBODY = 65534,
    RESIDENT_KIB_MAX = 768 * 1024 /* under a sanitizer too, which keeps 256 MiB of what was freed */
};

static const struct ctf_layout layout = {
    .uuid = 1,
    .vpid = 2,
    .events = "event { name = \"t:n\"; id = 0; fields := struct { u64 _n; u32 __s_length; u32 _s[ __s_length ]; "
              "string _t; }; };",
};

struct fixture {
    char *folder, *bad;
    uint8_t *stream, *metadata; /* of the trace to be damaged */
    size_t stream_size, metadata_size;
};

/* What one reading found. */
struct found {
    unsigned seen[EVENTS]; /* events of the damaged trace that are as they were written */
    unsigned good;         /* of the other */
    unsigned all;
    unsigned warnings;
    struct losses losses;
};

static void put_number(struct ctf_writer *writer, uint64_t n)
{
    ctf_put_event(writer, 0, (n + 1) * TICKS);
    ctf_put(writer, 64, n);
    ctf_put(writer, 32, NUMBERS);
    for (unsigned i = 0; i < NUMBERS; i++)
        ctf_put(writer, 32, n + i);
    ctf_put_bytes(writer, "ab", 3);
}

static void write_trace(const char *folder, const struct ctf_layout *of)
{
    struct ctf_writer writer;
    ctf_write_metadata(folder, of);
    ctf_writer_open(&writer, of, 0);
    for (uint64_t packet = 0; packet < PACKETS; packet++) {
        ctf_packet_begin(&writer, packet * PACKET_EVENTS * TICKS, packet);
        for (uint64_t i = 0; i < PACKET_EVENTS; i++)
            put_number(&writer, packet * PACKET_EVENTS + i);
        ctf_packet_end(&writer, PACKET_BYTES);
    }
    ctf_writer_save(&writer, folder, "ch_0");
    ctf_writer_close(&writer);
}

static int make_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct ctf_layout good = layout;
    good.uuid = 2;
    good.vpid = GOOD_PID;
    fixture->folder = ctf_make_folder();
    fixture->bad = ctf_path(fixture->folder, "a-bad");
    char *path = ctf_path(fixture->folder, "b-good");
    write_trace(fixture->bad, &layout);
    write_trace(path, &good);
    free(path);
    fixture->stream = ctf_read_file(fixture->bad, "ch_0", &fixture->stream_size);
    fixture->metadata = ctf_read_file(fixture->bad, "metadata", &fixture->metadata_size);
    *state = fixture;
    return 0;
}

static int remove_fixture(void **state)
{
    struct fixture *fixture = *state;
    ctf_remove_folder(fixture->folder);
    free(fixture->bad);
    free(fixture->stream);
    free(fixture->metadata);
    free(fixture);
    return 0;
}

/* ---- reading ---- */

static void count_warning(void *self, const char *text)
{
    unsigned *count = self;
    assert_true(strlen(text) > 0);
    ++*count;
}

static bool is_as_written(const struct ctf_event *event)
{
    const struct ctf_value *values = event->values;
    if (event->class->field_count != 3 || event->class->fields[0].type != CTF_UNSIGNED ||
        event->class->fields[1].type != CTF_SEQUENCE || event->class->fields[2].type != CTF_STRING)
        return false;
    uint64_t n = values[0].u;
    bool same = n < EVENTS && event->time_ns == (n + 1) * TICKS && values[1].length == NUMBERS;
    for (unsigned i = 0; same && i < NUMBERS; i++)
        same = values[1].us[i] == n + i;
    return same && values[2].length == 2 && memcmp(values[2].text, "ab", 2) == 0;
}

/* Touches every byte that the event hands out, for the sanitizers. */
static uint64_t touch(const struct ctf_event *event)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < event->class->field_count; i++) {
        const struct ctf_value *value = &event->values[i];
        if (value->is_absent)
            continue;
        for (uint32_t k = 0; event->class->fields[i].type == CTF_STRING && k < value->length; k++)
            sum += (unsigned char)value->text[k];
        for (uint32_t k = 0; event->class->fields[i].type == CTF_SEQUENCE && k < value->length; k++)
            sum += value->us[k];
    }
    return sum;
}

/* Now and then with a thread that decodes ahead: to start one takes longer than all the rest. */
static struct found read_all(const char *folder)
{
    static unsigned readings;
    struct found found = {0};
    struct ctf_reader *reader;
    struct ctf_event event;
    struct ctf_options options = {.warn = count_warning, .self = &found.warnings, .threads = readings++ % 128 ? 1 : 2};
    volatile uint64_t sum = 0;
    int state;
    assert_int_equal(ctf_open(folder, &options, NULL, &reader), 0);
    while ((state = ctf_next(reader, &event)) == 1) {
        sum += touch(&event);
        bool same = is_as_written(&event);
        found.all++;
        if (event.class->trace_pid == GOOD_PID && same)
            found.good++;
        else if (same)
            found.seen[event.values[0].u]++;
    }
    assert_int_equal(state, 0);
    found.losses = ctf_losses(reader);
    ctf_close(reader);
    return found;
}

/* ---- streams that are cut ---- */

/* Events whose last byte is among the first `bytes` of the file. */
static unsigned whole_events(size_t bytes)
{
    unsigned count = 0;
    for (size_t packet = 0; packet < PACKETS; packet++)
        for (size_t i = 1; i <= PACKET_EVENTS; i++)
            count += packet * PACKET_BYTES + START_BYTES + i * EVENT_BYTES <= bytes;
    return count;
}

static void check_cut(const struct fixture *fixture, size_t bytes)
{
    ctf_write_file(fixture->bad, "ch_0", fixture->stream, bytes);
    struct found found = read_all(fixture->folder);
    bool no_packet = bytes < START_BYTES, between = bytes % PACKET_BYTES == 0;
    assert_int_equal(found.good, EVENTS);
    assert_int_equal(found.all, EVENTS + whole_events(bytes));
    assert_int_equal(found.losses.skipped_streams, no_packet && bytes ? 1 : 0);
    assert_int_equal(found.losses.damaged_packets, between || no_packet ? 0 : 1);
    assert_true((found.warnings > 0) == !between);
}

static void test_a_stream_cut_anywhere_gives_every_whole_event(void **state)
{
    const struct fixture *fixture = *state;
    size_t content = START_BYTES + PACKET_EVENTS * EVENT_BYTES;
    for (size_t bytes = 0; bytes <= fixture->stream_size; bytes += CUT_STEP)
        if (bytes <= PACKET_BYTES || bytes % PACKET_BYTES <= content) /* padding is alike in all packets */
            check_cut(fixture, bytes);
}

static void test_a_file_that_shrinks_while_it_is_read_ends_early(void **state)
{
    const struct fixture *fixture = *state;
    enum { MANY = 20000 };
    struct ctf_writer writer;
    ctf_writer_open(&writer, &layout, 0);
    ctf_packet_begin(&writer, 0, 0);
    for (uint64_t i = 0; i < MANY; i++)
        put_number(&writer, i);
    ctf_packet_end(&writer, PACKET_BYTES);
    ctf_writer_save(&writer, fixture->bad, "ch_0");
    ctf_writer_close(&writer);

    struct ctf_reader *reader;
    struct ctf_event event;
    unsigned warnings = 0, count = 0;
    struct ctf_options options = {.warn = count_warning, .self = &warnings, .unordered = true, .threads = 1};
    assert_int_equal(ctf_open(fixture->bad, &options, NULL, &reader), 0);
    assert_int_equal(ctf_next(reader, &event), 1);
    char *path = ctf_path(fixture->bad, "ch_0");
    assert_int_equal(truncate(path, 200 * 1000), 0);
    free(path);
    while (ctf_next(reader, &event) == 1)
        count++;
    assert_int_equal(count + 1, (200 * 1000 - START_BYTES) / EVENT_BYTES);
    assert_int_equal(ctf_losses(reader).damaged_packets, 1);
    assert_int_equal(warnings, 1);
    ctf_close(reader);
}

/* ---- streams that are garbled ---- */

static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 33) % bound);
}

/* Garbles one to four bytes; `touched` marks the packets that they lie in. */
static void garble(uint8_t *bytes, size_t size, bool *touched)
{
    for (uint32_t count = 1 + random_below(4); count; count--) {
        size_t at = random_below((uint32_t)size);
        if (random_below(2)) /* most of a packet is padding: half of all hits go where something is */
            at = at / PACKET_BYTES * PACKET_BYTES + at % (START_BYTES + PACKET_EVENTS * EVENT_BYTES);
        uint32_t bit = 1u << random_below(8), flipped = bytes[at] ^ bit;
        bytes[at] = (uint8_t)(random_below(2) ? random_below(256) : flipped);
        if (touched)
            touched[at / PACKET_BYTES] = true;
    }
}

static void test_a_garbled_packet_costs_no_other(void **state)
{
    const struct fixture *fixture = *state;
    uint8_t *bytes = malloc(fixture->stream_size);
    random_state = 1;
    for (unsigned round = 0; round < STREAM_MUTATIONS; round++) {
        bool touched[PACKETS] = {false};
        memcpy(bytes, fixture->stream, fixture->stream_size);
        garble(bytes, fixture->stream_size, touched);
        ctf_write_file(fixture->bad, "ch_0", bytes, fixture->stream_size);
        struct found found = read_all(fixture->folder);
        assert_int_equal(found.good, EVENTS);
        for (unsigned n = 0; n < EVENTS; n++)
            if (!touched[n / PACKET_EVENTS] && found.seen[n] != 1)
                fail_msg("round %u: event %u of a whole packet was seen %u times", round, n, found.seen[n]);
    }
    free(bytes);
}

/* Writes the stream with `count` bytes at `at` of packet `packet` replaced, and reads it. */
static struct found read_with(const struct fixture *fixture, size_t packet, size_t at, const void *bytes, size_t count)
{
    uint8_t *copy = malloc(fixture->stream_size);
    memcpy(copy, fixture->stream, fixture->stream_size);
    memcpy(copy + packet * PACKET_BYTES + at, bytes, count);
    ctf_write_file(fixture->bad, "ch_0", copy, fixture->stream_size);
    free(copy);
    return read_all(fixture->folder);
}

static void check_packet_lost(const struct found *found, size_t packet, unsigned kept)
{
    assert_int_equal(found->all, EVENTS + EVENTS - PACKET_EVENTS + kept);
    assert_int_equal(found->losses.damaged_packets, 1);
    assert_int_equal(found->losses.lost_packets, 0); /* the damaged one explains the gap */
    assert_true(found->warnings > 0);
    for (unsigned n = 0; n < EVENTS; n++)
        if (n / PACKET_EVENTS != packet)
            assert_int_equal(found->seen[n], 1);
}

static void test_each_part_of_a_packets_start_may_be_wrong(void **state)
{
    static const uint8_t ones[8] = {255, 255, 255, 255, 255, 255, 255, 255}, none[8] = {0};
    enum { MAGIC = 0, STREAM_ID = 20, CONTENT = 48, SIZE = 56 };
    const struct fixture *fixture = *state;
    for (size_t packet = 0; packet < PACKETS; packet++) {
        struct found found = read_with(fixture, packet, MAGIC, none, 4);
        check_packet_lost(&found, packet, 0);
        found = read_with(fixture, packet, STREAM_ID, ones, 4);
        check_packet_lost(&found, packet, 0);
        found = read_with(fixture, packet, CONTENT, ones, 8);
        check_packet_lost(&found, packet, 0);
        found = read_with(fixture, packet, CONTENT, none, 8);
        check_packet_lost(&found, packet, 0);
        found = read_with(fixture, packet, SIZE, none, 8);
        check_packet_lost(&found, packet, 0);
        found = read_with(fixture, packet, SIZE, ones, 7); /* too large, but the content's size is right */
        check_packet_lost(&found, packet, PACKET_EVENTS);
    }
}

static void test_a_size_that_would_hide_the_next_packet_is_seen_through(void **state)
{
    const uint64_t doubled = 2 * PACKET_BYTES * 8;
    struct found found = read_with(*state, 1, 56, &doubled, sizeof doubled);
    check_packet_lost(&found, 1, PACKET_EVENTS);
}

/* Nothing says where the events end then: neither padding nor the next packet may be taken for some. */
static void test_padding_is_not_taken_for_events(void **state)
{
    static const uint64_t huge[2] = {UINT64_C(1) << 40, UINT64_C(1) << 40}, whole = PACKET_BYTES * 8;
    for (size_t packet = 0; packet < PACKETS; packet++) {
        struct found found = read_with(*state, packet, 48, huge, sizeof huge);
        check_packet_lost(&found, packet, PACKET_EVENTS);
        found = read_with(*state, packet, 48, &whole, sizeof whole);
        check_packet_lost(&found, packet, PACKET_EVENTS);
    }
}

static void test_an_unknown_event_costs_the_rest_of_its_packet(void **state)
{
    uint16_t unknown = 77;
    struct found found = read_with(*state, 2, START_BYTES + 2 * EVENT_BYTES, &unknown, sizeof unknown);
    check_packet_lost(&found, 2, 2);
}

static void test_an_absurd_sequence_costs_the_rest_of_its_packet(void **state)
{
    static const uint32_t lengths[] = {UINT32_MAX, INT32_MAX, 1u << 29, 100000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct found found = read_with(*state, 0, START_BYTES + EVENT_BYTES + 14, &lengths[i], sizeof lengths[i]);
        check_packet_lost(&found, 0, 1);
    }
}

static void test_a_string_without_an_end_costs_the_rest_of_its_packet(void **state)
{
    struct found found = read_with(*state, 3, START_BYTES + PACKET_EVENTS * EVENT_BYTES - 1, "c", 1);
    check_packet_lost(&found, 3, PACKET_EVENTS - 1);
}

static void test_a_file_of_garbage_is_a_skipped_stream(void **state)
{
    const struct fixture *fixture = *state;
    char garbage[10000];
    memset(garbage, 'x', sizeof garbage);
    ctf_write_file(fixture->bad, "ch_1", garbage, sizeof garbage);
    struct found found = read_all(fixture->folder);
    assert_int_equal(found.losses.skipped_streams, 1);
    assert_int_equal(found.all, 2 * EVENTS);
    assert_int_equal(found.warnings, 2); /* the damage, and what came of it */
}

/* ---- metadata ---- */

static void test_metadata_cut_anywhere_costs_its_trace_only(void **state)
{
    enum { METADATA_PACKET_BYTES = 512 };
    const struct fixture *fixture = *state;
    for (size_t bytes = 0; bytes < fixture->metadata_size; bytes += CUT_STEP) {
        ctf_write_file(fixture->bad, "metadata", fixture->metadata, bytes);
        struct found found = read_all(fixture->folder);
        assert_int_equal(found.good, EVENTS);
        if (bytes == 0 || bytes % METADATA_PACKET_BYTES) {
            assert_int_equal(found.losses.skipped_traces, 1);
            assert_int_equal(found.all, EVENTS);
        }
        assert_true(found.warnings > 0);
    }
}

static void test_garbled_metadata_costs_its_trace_only(void **state)
{
    const struct fixture *fixture = *state;
    uint8_t *bytes = malloc(fixture->metadata_size);
    random_state = 2;
    for (unsigned round = 0; round < METADATA_MUTATIONS; round++) {
        memcpy(bytes, fixture->metadata, fixture->metadata_size);
        for (uint32_t count = 1 + random_below(4); count; count--)
            bytes[random_below((uint32_t)fixture->metadata_size)] = (uint8_t)random_below(256);
        ctf_write_file(fixture->bad, "metadata", bytes, fixture->metadata_size);
        struct found found = read_all(fixture->folder);
        if (found.losses.skipped_traces)
            assert_int_equal(found.good, EVENTS);
        else /* the garbled trace may call itself 1 as well, or shift the common clock */
            assert_true(found.all >= EVENTS);
    }
    free(bytes);
}

/* The same on a trace with every kind of field, for what only these reach. */
static void test_garbled_traces_of_every_field_never_harm(void **state)
{
    (void)state;
    char *folder = ctf_make_folder();
    for (unsigned bits = 0; bits < 8; bits++) {
        struct ctf_layout variation = {
            .big_endian = bits & 1, .natural_alignment = (bits >> 1) & 1, .compact_header = (bits >> 2) & 1};
        ctf_write_everything(folder, &variation);
        size_t size, metadata_size;
        uint8_t *stream = ctf_read_file(folder, "ch_5", &size);
        uint8_t *metadata = ctf_read_file(folder, "metadata", &metadata_size);
        random_state = bits;
        for (unsigned round = 0; round < EVERY_FIELD_MUTATIONS; round++) {
            uint8_t *copy = malloc(size), *metadata_copy = malloc(metadata_size);
            memcpy(copy, stream, size);
            memcpy(metadata_copy, metadata, metadata_size);
            garble(copy, size, NULL);
            if (round % 2)
                metadata_copy[random_below((uint32_t)metadata_size)] = (uint8_t)(' ' + random_below(95));
            ctf_write_file(folder, "ch_5", copy, size);
            ctf_write_file(folder, "metadata", metadata_copy, metadata_size);
            read_all(folder);
            free(copy);
            free(metadata_copy);
        }
        free(stream);
        free(metadata);
    }
    ctf_remove_folder(folder);
}

static void test_streams_without_metadata_are_a_skipped_trace(void **state)
{
    const struct fixture *fixture = *state;
    char *path = ctf_path(fixture->bad, "metadata");
    assert_int_equal(unlink(path), 0);
    struct found found = read_all(fixture->folder);
    assert_int_equal(found.losses.skipped_traces, 1);
    assert_int_equal(found.all, EVENTS);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not be waited for */
    found = read_all(fixture->folder);
    assert_int_equal(found.losses.skipped_traces, 1);
    free(path);
}

static void test_events_without_a_size_do_not_go_on_for_ever(void **state)
{
    const struct fixture *fixture = *state;
    static const char text[] =
        "/* CTF 1.8 */ trace { byte_order = le; uuid = \"01010101-0101-0101-0101-010101010101\"; "
        "packet.header := struct { integer { size = 32; align = 8; } magic; }; };\n"
        "stream { }; event { name = \"t:void\"; };";
    ctf_write_file(fixture->bad, "metadata", text, sizeof text - 1);
    struct found found = read_all(fixture->folder);
    assert_int_equal(found.all, EVENTS);
    assert_int_equal(found.losses.damaged_packets, 1);
}

/* ---- folders ---- */

static void test_cycles_of_links_end(void **state)
{
    const struct fixture *fixture = *state;
    char *up = ctf_path(fixture->bad, "up"), *self = ctf_path(fixture->folder, "self");
    assert_int_equal(symlink("..", up), 0);
    assert_int_equal(symlink("self", self), 0);
    struct found found = read_all(fixture->folder);
    assert_int_equal(found.all, 2 * EVENTS);
    assert_int_equal(found.warnings, 0);
    free(up);
    free(self);
}

static void test_a_folder_nested_too_deep_is_left_out_and_counted(void **state)
{
    const struct fixture *fixture = *state;
    char *path = ctf_path(fixture->folder, "d");
    for (int depth = 0; depth < 70; depth++) {
        assert_int_equal(mkdir(path, 0700), 0);
        char *deeper = ctf_path(path, "d");
        free(path);
        path = deeper;
    }
    free(path);
    struct found found = read_all(fixture->folder);
    assert_int_equal(found.all, 2 * EVENTS);
    assert_int_equal(found.losses.skipped_traces, 1);
    assert_int_equal(found.warnings, 1);
}

/* Root may read everything: as somebody else then. */
static struct found read_as_nobody(const char *folder)
{
    uid_t self = geteuid();
    if (self == 0)
        assert_int_equal(seteuid(NOBODY), 0);
    struct found found = read_all(folder);
    assert_int_equal(seteuid(self), 0);
    prctl(PR_SET_DUMPABLE, 1); /* which seteuid takes away: the leak checker needs it */
    return found;
}

static void test_what_may_not_be_read_is_named_and_counted(void **state)
{
    const struct fixture *fixture = *state;
    char *stream = ctf_path(fixture->bad, "ch_0"), *metadata = ctf_path(fixture->bad, "metadata");
    char *good = ctf_path(fixture->folder, "b-good");
    assert_int_equal(chmod(fixture->folder, 0755) | chmod(fixture->bad, 0755) | chmod(good, 0755), 0);
    assert_int_equal(chmod(stream, 0), 0);
    free(good);
    struct found found = read_as_nobody(fixture->folder);
    assert_int_equal(found.good, EVENTS);
    assert_int_equal(found.losses.skipped_streams, 1);
    assert_int_equal(found.warnings, 1);

    assert_int_equal(chmod(metadata, 0), 0);
    found = read_as_nobody(fixture->folder);
    assert_int_equal(found.good, EVENTS);
    assert_int_equal(found.losses.skipped_traces, 1);
    assert_int_equal(found.warnings, 1);

    assert_int_equal(chmod(fixture->bad, 0), 0);
    found = read_as_nobody(fixture->folder);
    assert_int_equal(found.good, EVENTS);
    assert_int_equal(found.losses.skipped_traces, 1);
    assert_int_equal(found.warnings, 1);
    assert_int_equal(chmod(fixture->bad, 0700), 0);
    free(stream);
    free(metadata);
}

/* After all that was done to the reader above. */
static void test_no_damage_makes_memory_grow(void **state)
{
    (void)state;
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    assert_in_range(usage.ru_maxrss, 1, RESIDENT_KIB_MAX);
}

int main(void)
{
    umask(022); /* so that others may read what the tests write */
#define DAMAGE(test) cmocka_unit_test_setup_teardown(test, make_fixture, remove_fixture)
    const struct CMUnitTest tests[] = {
        DAMAGE(test_a_stream_cut_anywhere_gives_every_whole_event),
        DAMAGE(test_a_file_that_shrinks_while_it_is_read_ends_early),
        DAMAGE(test_a_garbled_packet_costs_no_other),
        DAMAGE(test_each_part_of_a_packets_start_may_be_wrong),
        DAMAGE(test_a_size_that_would_hide_the_next_packet_is_seen_through),
        DAMAGE(test_padding_is_not_taken_for_events),
        DAMAGE(test_an_unknown_event_costs_the_rest_of_its_packet),
        DAMAGE(test_an_absurd_sequence_costs_the_rest_of_its_packet),
        DAMAGE(test_a_string_without_an_end_costs_the_rest_of_its_packet),
        DAMAGE(test_a_file_of_garbage_is_a_skipped_stream),
        DAMAGE(test_metadata_cut_anywhere_costs_its_trace_only),
        DAMAGE(test_garbled_metadata_costs_its_trace_only),
        DAMAGE(test_garbled_traces_of_every_field_never_harm),
        DAMAGE(test_streams_without_metadata_are_a_skipped_trace),
        DAMAGE(test_events_without_a_size_do_not_go_on_for_ever),
        DAMAGE(test_cycles_of_links_end),
        DAMAGE(test_a_folder_nested_too_deep_is_left_out_and_counted),
        DAMAGE(test_what_may_not_be_read_is_named_and_counted),
        cmocka_unit_test(test_no_damage_makes_memory_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
