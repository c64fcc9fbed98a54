/* See ctf_writer.h. */
#include "collector/ctf_writer.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/cmocka_main.h"

enum { BYTE = 8, METADATA_HEADER_BYTES = 37, METADATA_PACKET_BYTES = 512 };

static const uint32_t packet_magic = 0xC1FC1FC1, metadata_magic = 0x75D11D57;

/* ---- metadata ---- */

static void print_integers(FILE *out, const struct ctf_layout *layout)
{
    for (unsigned bits = 8; bits <= 64; bits *= 2) {
        unsigned align = layout->natural_alignment ? bits : BYTE;
        for (int is_signed = 0; is_signed <= 1; is_signed++)
            fprintf(out, "typealias integer { size = %u; align = %u; signed = %d; } := %c%u;\n", bits, align, is_signed,
                    is_signed ? 's' : 'u', bits);
        if (bits >= 32)
            fprintf(out, "typealias floating_point { exp_dig = %d; mant_dig = %d; align = %u; } := f%u;\n",
                    bits == 32 ? 8 : 11, bits == 32 ? 24 : 53, align, bits);
    }
    fprintf(out, "typealias integer { size = 8; align = 8; signed = 1; encoding = UTF8; } := text8;\n");
}

static void print_clock(FILE *out, const struct ctf_layout *layout)
{
    unsigned c = layout->clock_uuid;
    fprintf(out,
            "clock {\n\tname = monotonic;\n\tuuid = "
            "\"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\";\n"
            "\tfreq = %" PRIu64 "; /* Hz */\n\toffset = %" PRId64 ";\n};\n",
            c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, layout->frequency_hz ? layout->frequency_hz : 1000000000,
            layout->clock_offset);
}

static void print_trace(FILE *out, const struct ctf_layout *layout)
{
    unsigned u = layout->uuid;
    fprintf(out,
            "trace {\n\tmajor = 1;\n\tminor = 8;\n"
            "\tuuid = \"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\";\n\tbyte_order = %s;\n"
            "\tpacket.header := struct { u32 magic; u8 uuid[16]; u32 stream_id; u64 stream_instance_id; };\n};\n",
            u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, layout->big_endian ? "be" : "le");
    fprintf(out, "env {\n\t%s\n", layout->env ? layout->env : "domain = \"ust\"; name = \"a \\\"b\\\"\"; low = -1;");
    if (layout->vpid)
        fprintf(out, "\tvpid = %" PRId64 ";\n", layout->vpid);
    fprintf(out, "};\n");
}

/* Of the event header: of its first member, as LTTng writes it. */
static unsigned header_align(const struct ctf_layout *layout)
{
    return !layout->natural_alignment ? BYTE : layout->compact_header ? 32 : 16;
}

/* As LTTng prints it, with a timestamp that is a clock's value. */
static void print_header(FILE *out, const struct ctf_layout *layout)
{
    unsigned align32 = layout->natural_alignment ? 32 : BYTE, align64 = layout->natural_alignment ? 64 : BYTE;
    bool compact = layout->compact_header;
    fprintf(out,
            "typealias integer { size = 5; align = 1; signed = false; } := uint5_t;\n"
            "typealias integer { size = 27; align = 1; signed = false; map = clock.monotonic.value; } := time27;\n");
    fprintf(out, "typealias integer { size = 32; align = %u; map = clock.monotonic.value; } := time32;\n", align32);
    fprintf(out, "typealias integer { size = 64; align = %u; map = clock.monotonic.value; } := time64;\n", align64);
    fprintf(out,
            "struct event_header {\n\tenum : %s { compact = 0 ... %d, extended = %d } id;\n\tvariant <id> {\n"
            "\t\tstruct { %s timestamp; } compact;\n\t\tstruct { u32 id; time64 timestamp; } extended;\n\t} v;\n"
            "} align(%u);\n",
            compact ? "uint5_t" : "u16", compact ? 30 : 65534, compact ? 31 : 65535, compact ? "time27" : "time32",
            header_align(layout));
}

static void print_stream(FILE *out, const struct ctf_layout *layout)
{
    fprintf(out,
            "stream {\n\tid = 0;\n\tevent.header := struct event_header;\n\tpacket.context := struct {\n"
            "\t\ttime64 timestamp_begin; time64 timestamp_end; u64 content_size; u64 packet_size;\n"
            "\t\tu64 packet_seq_num; u%u events_discarded; u32 cpu_id;\n\t};\n",
            layout->discarded_bits ? layout->discarded_bits : 64);
    if (layout->context)
        fprintf(out, "\tevent.context := struct { %s };\n", layout->context);
    fprintf(out, "};\n");
}

char *ctf_layout_text(const struct ctf_layout *layout)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    fprintf(out, "/* CTF 1.8 */\n\n");
    print_integers(out, layout);
    fprintf(out, "%s\n", layout->events ? layout->events : ""); /* events may come before their stream */
    print_trace(out, layout);
    print_clock(out, layout);
    print_header(out, layout);
    print_stream(out, layout);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void put_order(uint8_t *out, uint32_t number, bool big_endian)
{
    for (unsigned i = 0; i < 4; i++)
        out[big_endian ? 3 - i : i] = (uint8_t)(number >> BYTE * i);
}

void ctf_write_metadata(const char *folder, const struct ctf_layout *layout)
{
    char *text = ctf_layout_text(layout);
    size_t left = strlen(text), room = METADATA_PACKET_BYTES - METADATA_HEADER_BYTES, size = 0;
    uint8_t *file = calloc(left / room + 1, METADATA_PACKET_BYTES);
    assert_non_null(file);
    for (const char *from = text; left;) {
        size_t count = left < room ? left : room;
        uint8_t *packet = file + size;
        put_order(packet, metadata_magic, layout->big_endian);
        put_order(packet + 24, (uint32_t)(METADATA_HEADER_BYTES + count) * BYTE, layout->big_endian);
        put_order(packet + 28, METADATA_PACKET_BYTES * BYTE, layout->big_endian);
        packet[35] = 1;
        packet[36] = 8;
        memcpy(packet + METADATA_HEADER_BYTES, from, count);
        from += count;
        left -= count;
        size += METADATA_PACKET_BYTES;
    }
    mkdir(folder, 0700);
    ctf_write_file(folder, "metadata", file, size);
    free(file);
    free(text);
}

/* ---- bits ---- */

static void make_room(struct ctf_writer *writer, uint64_t bits)
{
    size_t needed = (size_t)((writer->at + bits) / BYTE + 1);
    if (needed <= writer->capacity)
        return;
    size_t capacity = needed * 2;
    writer->bytes = realloc(writer->bytes, capacity);
    assert_non_null(writer->bytes);
    memset(writer->bytes + writer->capacity, 0, capacity - writer->capacity);
    writer->capacity = capacity;
}

static void put_bit(struct ctf_writer *writer, unsigned bit)
{
    unsigned in_byte = (unsigned)(writer->at % BYTE);
    unsigned shift = writer->layout.big_endian ? BYTE - 1 - in_byte : in_byte;
    uint8_t *byte = &writer->bytes[writer->at / BYTE];
    *byte = (uint8_t)((*byte & ~(1u << shift)) | bit << shift);
    writer->at++;
}

/* Alignment counts from the packet's start. */
static void align_to(struct ctf_writer *writer, unsigned align)
{
    uint64_t in_packet = writer->at - writer->packet_at;
    writer->at = writer->packet_at + (in_packet + align - 1) / align * align;
}

void ctf_put_at(struct ctf_writer *writer, unsigned align, unsigned bits, uint64_t number)
{
    make_room(writer, align + bits);
    align_to(writer, align);
    for (unsigned i = 0; i < bits; i++)
        put_bit(writer, (unsigned)(number >> (writer->layout.big_endian ? bits - 1 - i : i)) & 1);
}

void ctf_put(struct ctf_writer *writer, unsigned bits, uint64_t number)
{
    ctf_put_at(writer, writer->layout.natural_alignment ? bits : BYTE, bits, number);
}

void ctf_put_float(struct ctf_writer *writer, float number)
{
    uint32_t raw;
    memcpy(&raw, &number, sizeof raw);
    ctf_put(writer, 32, raw);
}

void ctf_put_double(struct ctf_writer *writer, double number)
{
    uint64_t raw;
    memcpy(&raw, &number, sizeof raw);
    ctf_put(writer, 64, raw);
}

void ctf_put_bytes(struct ctf_writer *writer, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ctf_put_at(writer, BYTE, BYTE, ((const uint8_t *)bytes)[i]);
}

/* ---- packets and events ---- */

void ctf_writer_open(struct ctf_writer *writer, const struct ctf_layout *layout, uint64_t instance)
{
    *writer = (struct ctf_writer){.layout = *layout, .instance = instance};
}

void ctf_packet_begin(struct ctf_writer *writer, uint64_t begin, uint64_t sequence)
{
    const struct ctf_layout *layout = &writer->layout;
    writer->packet_at = writer->at;
    writer->clock = begin;
    ctf_put(writer, 32, packet_magic);
    for (unsigned i = 0; i < 16; i++)
        ctf_put(writer, 8, layout->uuid);
    ctf_put(writer, 32, 0);
    ctf_put(writer, 64, writer->instance);
    ctf_put(writer, 64, begin);
    writer->late_at = writer->at;
    ctf_put(writer, 64, 0); /* timestamp_end, content_size, packet_size: when they are known */
    ctf_put(writer, 64, 0);
    ctf_put(writer, 64, 0);
    ctf_put(writer, 64, sequence);
    ctf_put(writer, layout->discarded_bits ? layout->discarded_bits : 64, writer->discarded);
    ctf_put(writer, 32, writer->instance);
}

void ctf_packet_end(struct ctf_writer *writer, size_t multiple)
{
    uint64_t content = writer->at - writer->packet_at;
    uint64_t bytes = (content / BYTE + multiple) / multiple * multiple;
    if (content % (multiple * BYTE) == 0)
        bytes = content / BYTE;
    writer->at = writer->late_at;
    ctf_put(writer, 64, writer->clock);
    ctf_put(writer, 64, content);
    ctf_put(writer, 64, bytes * BYTE);
    writer->at = writer->packet_at;
    make_room(writer, bytes * BYTE);
    writer->at += bytes * BYTE;
}

/* The extended part is a structure, so it begins where its largest member may. */
static void put_extended(struct ctf_writer *writer, uint32_t id, uint64_t time)
{
    align_to(writer, writer->layout.natural_alignment ? 64 : BYTE);
    ctf_put(writer, 32, id);
    ctf_put(writer, 64, time);
}

void ctf_put_event(struct ctf_writer *writer, uint32_t id, uint64_t time)
{
    bool compact = writer->layout.compact_header;
    unsigned id_bits = compact ? 5 : 16, time_bits = compact ? 27 : 32;
    uint32_t extended = (1u << id_bits) - 1;
    bool fits = id < extended && (time - writer->clock) >> time_bits == 0;
    align_to(writer, header_align(&writer->layout));
    ctf_put_at(writer, compact ? 1 : header_align(&writer->layout), id_bits, fits ? id : extended);
    if (!fits)
        put_extended(writer, id, time);
    else if (compact)
        ctf_put_at(writer, 1, time_bits, time);
    else
        ctf_put(writer, time_bits, time);
    writer->clock = time;
}

void ctf_writer_save(const struct ctf_writer *writer, const char *folder, const char *name)
{
    ctf_write_file(folder, name, writer->bytes, (size_t)(writer->at / BYTE));
}

void ctf_writer_close(struct ctf_writer *writer)
{
    free(writer->bytes);
    writer->bytes = NULL;
}

/* ---- files ---- */

char *ctf_make_folder(void)
{
    const char *base = getenv("TMPDIR");
    char *folder = ctf_path(base ? base : "/tmp", "mapscope-ctf-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

void ctf_remove_folder(char *folder)
{
    assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(folder);
}

char *ctf_path(const char *folder, const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    return path;
}

uint8_t *ctf_read_file(const char *folder, const char *name, size_t *size)
{
    char *path = ctf_path(folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    free(path);
    return bytes;
}

void ctf_write_file(const char *folder, const char *name, const void *bytes, size_t size)
{
    char *path = ctf_path(folder, name);
    remove(path); /* a file that is cut to nothing and written again is synced by ext4: slow, thousands of times */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    free(path);
}
