/*
 * Writes CTF traces for tests: also what no machine at hand records, such as big endian, compact headers,
 * natural alignment, 32-bit counters and clocks that wrap.
 *
 *     struct ctf_layout layout = {.big_endian = true, .events = "event { name = \"t:e\"; id = 0; "
 *                                                                "fields := struct { u32 _a; }; };"};
 *     ctf_write_metadata(folder, &layout);
 *     struct ctf_writer writer;
 *     ctf_writer_open(&writer, &layout, 3);                  // stream instance, and CPU
 *     ctf_packet_begin(&writer, 1000, 0);                    // timestamp_begin, packet_seq_num
 *     ctf_put_event(&writer, 0, 1005);
 *     ctf_put(&writer, 32, 42);
 *     ctf_packet_end(&writer, 4096);
 *     ctf_writer_save(&writer, folder, "ch_3");
 *
 * The metadata names u8 to u64, s8 to s64, f32, f64 and text8 for the events to use. Failures end the test.
 */
#ifndef TESTS_CTF_WRITER_H
#define TESTS_CTF_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctf_layout {
    bool big_endian, natural_alignment, compact_header;
    unsigned discarded_bits;  /* of events_discarded; 0 = 64 */
    unsigned char uuid;       /* all 16 bytes of it */
    unsigned char clock_uuid; /* likewise */
    uint64_t frequency_hz;    /* 0 = 1e9 */
    int64_t clock_offset;     /* ticks from the epoch */
    int64_t vpid;             /* env.vpid; 0 = none */
    const char *env;          /* its lines; NULL = of a user-space trace */
    const char *context;      /* members of event.context; NULL = no context */
    const char *events;       /* event blocks */
};

struct ctf_writer {
    struct ctf_layout layout;
    uint64_t instance;
    uint8_t *bytes; /* owned */
    size_t capacity;
    uint64_t at; /* bit in the file */
    /* the packet at hand: bit of its start, and of what its end fills in */
    uint64_t packet_at, late_at;
    uint64_t clock;
    uint64_t discarded; /* the counter that packets are written with */
};

/* The metadata as TSDL text; the caller frees it. */
char *ctf_layout_text(const struct ctf_layout *layout);
/* Creates `folder` if need be and writes its metadata file, in packets. */
void ctf_write_metadata(const char *folder, const struct ctf_layout *layout);

void ctf_writer_open(struct ctf_writer *writer, const struct ctf_layout *layout, uint64_t instance);
/* Writes what there is so far to folder/name. */
void ctf_writer_save(const struct ctf_writer *writer, const char *folder, const char *name);
void ctf_writer_close(struct ctf_writer *writer);

void ctf_packet_begin(struct ctf_writer *writer, uint64_t begin, uint64_t sequence);
/* Pads the packet to a multiple of `multiple` bytes. */
void ctf_packet_end(struct ctf_writer *writer, size_t multiple);

/* The header, extended as LTTng does it: where the id or the time since the last event does not fit. */
void ctf_put_event(struct ctf_writer *writer, uint32_t id, uint64_t time);
/* An integer of `bits`, aligned as the layout says. */
void ctf_put(struct ctf_writer *writer, unsigned bits, uint64_t number);
/* An integer at a given alignment, in bits. */
void ctf_put_at(struct ctf_writer *writer, unsigned align, unsigned bits, uint64_t number);
void ctf_put_float(struct ctf_writer *writer, float number);
void ctf_put_double(struct ctf_writer *writer, double number);
void ctf_put_bytes(struct ctf_writer *writer, const void *bytes, size_t count);

/* A folder of its own for a test, and its end with all that is in it. */
char *ctf_make_folder(void);
void ctf_remove_folder(char *folder);
/* `folder`/`name`, the caller's to free. */
char *ctf_path(const char *folder, const char *name);
/* All of a file into memory, and back; the caller frees. */
uint8_t *ctf_read_file(const char *folder, const char *name, size_t *size);
void ctf_write_file(const char *folder, const char *name, const void *bytes, size_t size);

#endif
