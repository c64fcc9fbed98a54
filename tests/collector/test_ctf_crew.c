/* Streams decoded and merged ahead by others: the same comes out as without them, whatever their number. */
#include "support/cmocka_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf_reading.h"
#include "support/helper.h"

static const struct ctf_layout mixed = {
    .uuid = 1,
    .clock_uuid = 1,
    .context = "u32 _vpid; u32 _vtid;",
    .events = "event { name = \"t:rare\"; id = 0; stream_id = 0; fields := struct { u64 _n; }; };"
              "event { name = \"t:text\"; id = 1; stream_id = 0; fields := struct { string _text; u64 _n; "
              "u32 __stack_length; u64 _stack[__stack_length]; }; };"
              "event { name = \"t:often\"; id = 2; stream_id = 0; fields := struct { u64 _n; u32 __bytes_length; "
              "u8 _bytes[__bytes_length]; }; };",
};

enum { RARE, TEXT, OFTEN };

static uint64_t random_below(uint64_t *state, uint64_t end)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) % end;
}

static void put_array(struct ctf_writer *writer, unsigned bits, uint64_t count)
{
    ctf_put(writer, 32, count);
    for (uint64_t i = 0; i < count; i++)
        ctf_put(writer, bits, i);
}

static void put_mixed(struct ctf_writer *writer, uint32_t id, uint64_t time, uint64_t n)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    ctf_put_event(writer, id, time);
    ctf_put(writer, 32, 7);
    ctf_put(writer, 32, 8);
    if (id == TEXT)
        ctf_put_bytes(writer, letters + n % 20, sizeof letters - n % 20);
    ctf_put(writer, 64, n);
    if (id == TEXT)
        put_array(writer, 64, n % 5);
    if (id == OFTEN)
        put_array(writer, 8, n % 40);
}

/* Packets of a stream whose events often have the time of another stream's; some of them are damaged. */
static void write_stream(const char *folder, uint64_t instance, unsigned packets, unsigned events)
{
    struct ctf_writer writer;
    char name[16];
    uint64_t random = instance + 1, time = 0;
    ctf_writer_open(&writer, &mixed, instance);
    for (unsigned packet = 0; packet < packets; packet++) {
        ctf_packet_begin(&writer, time, packet);
        for (unsigned i = 0; i < events; i++) {
            time += random_below(&random, 3);
            put_mixed(&writer, random_below(&random, 50) ? OFTEN : TEXT, time, i);
        }
        if (random_below(&random, 6) == 0) {
            ctf_put_event(&writer, OFTEN, time);
            ctf_put(&writer, 32, 7);
            ctf_put(&writer, 32, 8);
            ctf_put(&writer, 64, 0);
            ctf_put(&writer, 32, UINT32_MAX); /* longer than its packet */
        }
        ctf_packet_end(&writer, 4096);
    }
    snprintf(name, sizeof name, "ch_%u", (unsigned)instance);
    ctf_writer_save(&writer, folder, name);
    ctf_writer_close(&writer);
}

static char *write_streams(unsigned streams, unsigned packets, unsigned events)
{
    char *folder = ctf_make_folder();
    ctf_write_metadata(folder, &mixed);
    for (unsigned i = 0; i < streams; i++)
        write_stream(folder, i, packets, events);
    return folder;
}

/* All that a reading says, as a hash that depends on the order. */
struct told {
    uint64_t hash, events, later, warnings;
    struct losses losses;
    struct ctf_tally tally;
};

static void hash_number(struct told *told, uint64_t number)
{
    told->hash = (told->hash ^ number) * UINT64_C(0x9e3779b97f4a7c15);
    told->hash ^= told->hash >> 32;
}

static void hash_bytes(struct told *told, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash_number(told, (unsigned char)bytes[i]);
}

static void hash_numbers(struct told *told, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash_number(told, numbers[i]);
}

static void hash_event(struct told *told, const struct ctf_event *event)
{
    hash_number(told, event->time_ns);
    hash_bytes(told, event->class->name, strlen(event->class->name));
    for (size_t i = 0; i < event->class->field_count; i++) {
        const struct ctf_value *value = &event->values[i];
        if (event->class->fields[i].type == CTF_STRING)
            hash_bytes(told, value->text, value->length);
        else if (event->class->fields[i].type == CTF_SEQUENCE)
            hash_numbers(told, value->us, value->length);
        else
            hash_number(told, value->u);
    }
}

static void hash_warning(void *self, const char *text)
{
    struct told *told = self;
    told->warnings++;
    hash_bytes(told, text, strlen(text));
}

/* One by one, or as many at once as there are, with one before to begin with. */
static void read_events(struct ctf_reader *reader, bool many, struct told *told)
{
    const struct ctf_entry *const *events;
    struct ctf_event event;
    size_t count = 1;
    int state = 1;
    while ((state = many && told->events ? ctf_next_many(reader, &events, &count) : ctf_next(reader, &event)) > 0) {
        if (state == 1 && many && told->events)
            for (size_t i = 0; i < count; i++)
                hash_event(told, &(struct ctf_event){.time_ns = events[i]->time_ns,
                                                     .class = events[i]->class,
                                                     .record = ctf_record(events[i])});
        else if (state == 1)
            hash_event(told, &event);
        told->events += state == 1 ? count : 0;
        told->later += state == CTF_LATER;
    }
    assert_int_equal(state, 0);
    assert_int_equal(ctf_next(reader, &event), 0); /* the end stays the end */
    assert_int_equal(ctf_next_many(reader, &events, &count), 0);
}

static struct told read_with(const char *folder, struct ctf_options options, size_t threads)
{
    struct told told = {0};
    struct ctf_reader *reader;
    options.warn = hash_warning;
    options.self = &told;
    options.threads = threads;
    assert_int_equal(ctf_open(folder, &options, NULL, &reader), 0);
    read_events(reader, threads % 2 == 0, &told);
    told.losses = ctf_losses(reader);
    told.tally = ctf_tally(reader);
    uint64_t done, total;
    ctf_progress(reader, &done, &total);
    assert_int_equal(done, total);
    ctf_close(reader);
    return told;
}

static void assert_same(const struct told *told, const struct told *alone)
{
    assert_int_equal(told->hash, alone->hash);
    assert_int_equal(told->events, alone->events);
    assert_int_equal(told->later, alone->later);
    assert_int_equal(told->warnings, alone->warnings);
    assert_int_equal(told->losses.events, alone->losses.events);
    assert_int_equal(told->losses.damaged_packets, alone->losses.damaged_packets);
    assert_memory_equal(&told->tally, &alone->tally, sizeof told->tally);
}

static void check_same(const char *folder, const struct ctf_options *options)
{
    static const size_t threads[] = {1, 2, 3, 4, 9};
    struct told alone = read_with(folder, *options, 1);
    assert_true(alone.events > 0);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        struct ctf_options with_helper = *options;
        struct told told = read_with(folder, *options, threads[i]);
        assert_same(&told, &alone);
        with_helper.helper = helper_create(); /* if the machine has a processor for one */
        told = read_with(folder, with_helper, threads[i]);
        assert_same(&told, &alone);
        helper_destroy(with_helper.helper);
    }
}

static void test_events_and_warnings_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    char *folder = write_streams(7, 20, 150);
    struct told told = read_with(folder, (struct ctf_options){0}, 1);
    assert_true(told.warnings > 0 && told.losses.damaged_packets > 0);
    check_same(folder, &(struct ctf_options){0});
    check_same(folder, &(struct ctf_options){.unordered = true});
    ctf_remove_folder(folder);
}

static void test_one_stream_is_decoded_ahead_too(void **state)
{
    (void)state;
    char *folder = write_streams(1, 40, 300);
    check_same(folder, &(struct ctf_options){0});
    ctf_remove_folder(folder);
}

static void test_many_streams_share_the_room_there_is(void **state)
{
    (void)state;
    char *folder = write_streams(150, 2, 20);
    check_same(folder, &(struct ctf_options){0});
    ctf_remove_folder(folder);
}

/* An array of bytes takes eight times its room when it is read: more than a batch has. */
static void test_an_event_larger_than_a_batch_arrives_whole(void **state)
{
    (void)state;
    enum { BYTES = 200000 };
    char *folder = ctf_make_folder();
    struct ctf_writer writer;
    ctf_write_metadata(folder, &mixed);
    ctf_writer_open(&writer, &mixed, 0);
    ctf_packet_begin(&writer, 1, 0);
    for (uint64_t i = 1; i <= 3; i++) {
        put_mixed(&writer, OFTEN, i, 1);
        ctf_put_event(&writer, OFTEN, i);
        ctf_put(&writer, 32, 7);
        ctf_put(&writer, 32, 8);
        ctf_put(&writer, 64, i);
        put_array(&writer, 8, BYTES);
    }
    ctf_packet_end(&writer, 4096);
    ctf_writer_save(&writer, folder, "ch_0");
    ctf_writer_close(&writer);
    assert_int_equal(read_with(folder, (struct ctf_options){0}, 2).events, 6);
    check_same(folder, &(struct ctf_options){0});
    ctf_remove_folder(folder);
}

static int count_the_often(void *self, const char *class_name)
{
    (void)self;
    return strcmp(class_name, "t:often") == 0 ? 1 : CTF_DELIVER;
}

static void test_counted_events_leave_the_others_as_they_are(void **state)
{
    (void)state;
    char *folder = write_streams(5, 20, 300);
    struct ctf_options options = {.tally = count_the_often};
    struct told all = read_with(folder, (struct ctf_options){0}, 1), some = read_with(folder, options, 1);
    assert_int_equal(some.losses.events, all.losses.events);
    assert_int_equal(some.losses.damaged_packets, all.losses.damaged_packets);
    assert_int_equal(some.tally.events[0], 0);
    assert_int_equal(some.tally.events[1] + some.events, all.events);
    assert_true(some.events < all.events / 10);
    assert_true(some.tally.first_ns <= some.tally.last_ns);
    check_same(folder, &options);
    ctf_remove_folder(folder);
}

/* Else a trace that holds little of interest could not be left, nor its progress shown. */
static void test_between_many_counted_events_the_reader_comes_back(void **state)
{
    (void)state;
    enum { EVENTS = 70000 };
    char *folder = ctf_make_folder();
    struct ctf_writer writer;
    ctf_write_metadata(folder, &mixed);
    ctf_writer_open(&writer, &mixed, 0);
    ctf_packet_begin(&writer, 1, 0);
    for (uint64_t i = 0; i < 2 * EVENTS; i++)
        put_mixed(&writer, OFTEN, 1 + i, 0);
    put_mixed(&writer, RARE, 1 + 2 * EVENTS, 5);
    ctf_packet_end(&writer, 4096);
    ctf_writer_save(&writer, folder, "ch_0");
    ctf_writer_close(&writer);
    struct ctf_options options = {.tally = count_the_often};
    for (size_t threads = 1; threads <= 4; threads++) {
        options.helper = threads > 2 ? helper_create() : NULL;
        struct told told = read_with(folder, options, threads);
        assert_int_equal(told.later, 2);
        assert_int_equal(told.events, 1);
        assert_int_equal(told.tally.events[1], 2 * EVENTS);
        assert_int_equal(told.tally.first_ns, 1);
        assert_int_equal(told.tally.last_ns, 2 * EVENTS);
        helper_destroy(options.helper);
    }
    ctf_remove_folder(folder);
}

static void test_a_reader_may_be_closed_at_any_point(void **state)
{
    (void)state;
    char *folder = write_streams(6, 20, 200);
    for (unsigned stop = 0; stop < 4000; stop = stop * 3 / 2 + 1) {
        struct ctf_reader *reader;
        struct ctf_event event;
        struct ctf_options options = {.threads = 4, .helper = stop % 2 ? helper_create() : NULL};
        assert_int_equal(ctf_open(folder, &options, NULL, &reader), 0);
        for (unsigned i = 0; i < stop; i++)
            assert_int_equal(ctf_next(reader, &event), 1);
        ctf_close(reader);
        helper_destroy(options.helper);
    }
    ctf_remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_and_warnings_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(test_one_stream_is_decoded_ahead_too),
        cmocka_unit_test(test_many_streams_share_the_room_there_is),
        cmocka_unit_test(test_an_event_larger_than_a_batch_arrives_whole),
        cmocka_unit_test(test_counted_events_leave_the_others_as_they_are),
        cmocka_unit_test(test_between_many_counted_events_the_reader_comes_back),
        cmocka_unit_test(test_a_reader_may_be_closed_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
