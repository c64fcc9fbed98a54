/* See ctf_reading.h. */
#include "collector/ctf_reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka_main.h"

size_t reading_threads;

static void keep_warning(void *self, const char *text)
{
    struct reading *reading = self;
    size_t used = strlen(reading->warnings);
    snprintf(reading->warnings + used, sizeof reading->warnings - used, "%s\n", text);
}

void reading_open(struct reading *reading, const char *folder)
{
    *reading = (struct reading){0};
    struct ctf_options options = {.warn = keep_warning, .self = reading, .threads = reading_threads};
    assert_int_equal(ctf_open(folder, &options, NULL, &reading->reader), 0);
}

struct ctf_event reading_next(struct reading *reading)
{
    struct ctf_event event;
    assert_int_equal(ctf_next(reading->reader, &event), 1);
    return event;
}

struct losses reading_finish(struct reading *reading)
{
    struct ctf_event event;
    int state;
    while ((state = ctf_next(reading->reader, &event)) == 1)
        continue;
    assert_int_equal(state, 0);
    struct losses losses = ctf_losses(reading->reader);
    ctf_close(reading->reader);
    return losses;
}

const struct ctf_value *reading_field(const struct ctf_event *event, const char *name)
{
    for (size_t i = 0; i < event->class->field_count; i++)
        if (strcmp(event->class->fields[i].name, name) == 0)
            return &event->values[i];
    fail_msg("no field %s", name);
    return NULL;
}

void reading_assert_text(const struct ctf_event *event, const char *name, const char *expected)
{
    const struct ctf_value *value = reading_field(event, name);
    assert_int_equal(value->length, strlen(expected));
    assert_memory_equal(value->text, expected, value->length);
}

const struct ctf_layout numbered = {
    .uuid = 1,
    .clock_uuid = 1,
    .context = "u32 _vpid; u32 _vtid;",
    .events = "event { name = \"t:one\"; id = 0; stream_id = 0; fields := struct { u64 _n; }; };",
};

void put_numbered(struct ctf_writer *writer, uint64_t time, uint64_t n)
{
    ctf_put_event(writer, 0, time);
    ctf_put(writer, 32, 7);
    ctf_put(writer, 32, 8);
    ctf_put(writer, 64, n);
}

void put_numbered_packet(struct ctf_writer *writer, uint64_t sequence, uint64_t first, uint64_t count)
{
    ctf_packet_begin(writer, first, sequence);
    for (uint64_t i = 0; i < count; i++)
        put_numbered(writer, first + i, first + i);
    ctf_packet_end(writer, 4096);
}

void reading_assert_next(struct reading *reading, uint64_t n)
{
    struct ctf_event event = reading_next(reading);
    assert_int_equal(event.time_ns, n);
    assert_int_equal(reading_field(&event, "n")->u, n);
}

void write_single(const char *parent, const char *name, const struct ctf_layout *layout, uint64_t time)
{
    char *folder = ctf_path(parent, name);
    struct ctf_writer writer;
    ctf_write_metadata(folder, layout);
    ctf_writer_open(&writer, layout, 0);
    put_numbered_packet(&writer, 0, time, 1);
    ctf_writer_save(&writer, folder, "ch_0");
    ctf_writer_close(&writer);
    free(folder);
}

void write_chunk(const char *parent, const char *name, const char *file, uint64_t first, uint64_t last)
{
    char *folder = ctf_path(parent, name);
    struct ctf_writer writer;
    ctf_write_metadata(folder, &numbered);
    ctf_writer_open(&writer, &numbered, 0);
    for (uint64_t packet = first; packet <= last; packet++)
        put_numbered_packet(&writer, packet, 100 * packet, 10);
    ctf_writer_save(&writer, folder, file);
    ctf_writer_close(&writer);
    free(folder);
}

void reading_assert_packets(struct reading *reading, uint64_t first, uint64_t last)
{
    for (uint64_t packet = first; packet <= last; packet++)
        for (uint64_t i = 0; i < 10; i++)
            reading_assert_next(reading, 100 * packet + i);
}
