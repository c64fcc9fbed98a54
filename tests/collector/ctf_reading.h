/*
 * Reading traces back in tests: an open reader with what it warned about, and small traces of numbered events to
 * read. Failures end the test.
 */
#ifndef TESTS_CTF_READING_H
#define TESTS_CTF_READING_H

#include "collector/ctf/ctf.h"
#include "collector/ctf_writer.h"

struct reading {
    struct ctf_reader *reader;
    char warnings[4096]; /* one a line */
};

/* Threads that readers decode with (ctf_options); 0, to begin with, leaves it to them. */
extern size_t reading_threads;

void reading_open(struct reading *reading, const char *folder);
struct ctf_event reading_next(struct reading *reading);
/* Reads to the end and closes. */
struct losses reading_finish(struct reading *reading);

/* The value of a field of that name. */
const struct ctf_value *reading_field(const struct ctf_event *event, const char *name);
void reading_assert_text(const struct ctf_event *event, const char *name, const char *expected);

/* Traces of events with one field, `n`, which is also their time. */
extern const struct ctf_layout numbered;
void put_numbered(struct ctf_writer *writer, uint64_t time, uint64_t n);
/* A packet of `count` events with n = time = first, first + 1, ... */
void put_numbered_packet(struct ctf_writer *writer, uint64_t sequence, uint64_t first, uint64_t count);
/* A trace of one event at `time` in parent/name. */
void write_single(const char *parent, const char *name, const struct ctf_layout *layout, uint64_t time);
/* Packets [first, last] of ten events each in parent/name/file: packet k covers times 100k to 100k+9. */
void write_chunk(const char *parent, const char *name, const char *file, uint64_t first, uint64_t last);

/* The next event is number `n`; those of packets [first, last] of write_chunk are the next ones. */
void reading_assert_next(struct reading *reading, uint64_t n);
void reading_assert_packets(struct reading *reading, uint64_t first, uint64_t last);

#endif
