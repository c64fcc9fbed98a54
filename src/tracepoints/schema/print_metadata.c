/*
 * Prints, as C source, the metadata that LTTng-UST writes for what `mapscope record` records: built and run
 * with mapscope, from the very descriptors that the tracepoint provider registers, so that it cannot drift.
 * The collector reads with it what a killed session daemon has left without metadata (collector/known_metadata.h).
 *
 *     print_metadata known_metadata.c
 *
 * One text a channel, each with the one stream class 0: which channel gets which number is the daemon's
 * choice. LTTng numbers the events of a channel in the order of the provider's table.
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <lttng/ust-endian.h>
#include <lttng/ust-events.h>

#include "tracepoints/probes.h"

static const struct lttng_ust_probe_desc *provider;

/* Instead of liblttng-ust's, which would hand the provider to a session daemon. */
struct lttng_ust_registered_probe *lttng_ust_probe_register(const struct lttng_ust_probe_desc *desc)
{
    static int registered;
    provider = desc;
    return (struct lttng_ust_registered_probe *)&registered; /* opaque to the provider, which only looks for NULL */
}

static void refuse(const char *what)
{
    fprintf(stderr, "print_metadata: %s: not a type that is known here\n", what);
    exit(EXIT_FAILURE);
}

/* ---- what is the same in every trace; alignments are those of the machine that it is built for ---- */

#define ALIGN(type) ((unsigned)(lttng_ust_rb_alignof(type) * CHAR_BIT))

static void print_alias(const char *name, unsigned size, unsigned align)
{
    printf("    \"typealias integer { size = %u; align = %u; signed = false; } := %s;\\n\"\n", size, align, name);
}

static void print_clock_alias(const char *name, unsigned size, unsigned align)
{
    printf(
        "    \"typealias integer { size = %u; align = %u; signed = false; map = clock.monotonic.value; } := %s;\\n\"\n",
        size, align, name);
}

static void print_preamble(void)
{
    puts("    \"/* CTF 1.8 */\\n\"");
    print_alias("u8", 8, ALIGN(uint8_t));
    print_alias("u16", 16, ALIGN(uint16_t));
    print_alias("u32", 32, ALIGN(uint32_t));
    print_alias("u64", 64, ALIGN(uint64_t));
    print_alias("ulong", sizeof(unsigned long) * CHAR_BIT, ALIGN(unsigned long));
    puts("    \"typealias integer { size = 8; align = 8; base = 16; } := x8;\\n\"");
    printf("    \"typealias integer { size = 64; align = %u; base = 16; } := x64;\\n\"\n", ALIGN(uint64_t));
    printf("    \"trace { major = 1; minor = 8; byte_order = %s; packet.header := struct {\\n\"\n",
           LTTNG_UST_BYTE_ORDER == LTTNG_UST_LITTLE_ENDIAN ? "le" : "be");
    puts("    \"u32 magic; u8 uuid[16]; u32 stream_id; u64 stream_instance_id; }; };\\n\"\n"
         "    \"clock { name = monotonic; freq = 1000000000; };\\n\"");
    print_clock_alias("t32", 32, ALIGN(uint32_t));
    print_clock_alias("t64", 64, ALIGN(uint64_t));
    printf("    \"stream { id = 0; packet.context := struct { t64 timestamp_begin; t64 timestamp_end; u64 "
           "content_size;\\n\"\n"
           "    \"u64 packet_size; u64 packet_seq_num; ulong events_discarded; u32 cpu_id; };\\n\"\n"
           "    \"event.header := struct { enum : u16 { compact = 0 ... 65534, extended = 65535 } id;\\n\"\n"
           "    \"variant <id> { struct { t32 timestamp; } compact; struct { u32 id; t64 timestamp; } extended; } "
           "v;\\n\"\n"
           "    \"} align(%u);\\n\"\n"
           "    \"event.context := struct { integer { size = 32; align = %u; signed = 1; } _vpid;\\n\"\n"
           "    \"integer { size = 32; align = %u; signed = 1; } _vtid; }; };\\n\"\n",
           ALIGN(uint16_t), ALIGN(int32_t), ALIGN(int32_t));
}

static void begin_event(const char *provider_name, const char *name, unsigned id)
{
    printf("    \"event { name = \\\"%s:%s\\\"; id = %u; stream_id = 0; fields := struct {\\n\"\n", provider_name, name,
           id);
}

static void end_event(void)
{
    puts("    \"}; };\\n\"");
}

/* ---- LTTng's own events: in its library, whose descriptors nobody hands out ---- */

static void print_lttng_events(void)
{
    static const struct {
        const char *provider, *name, *fields;
    } events[] = {
        {"lttng_ust_statedump", "start", ""},
        {"lttng_ust_statedump", "bin_info",
         "x64 _baddr; u64 _memsz; string _path; u8 _is_pic; u8 _has_build_id; u8 _has_debug_link;"},
        {"lttng_ust_statedump", "build_id", "x64 _baddr; ulong __build_id_length; x8 _build_id[ __build_id_length ];"},
        {"lttng_ust_statedump", "debug_link", "x64 _baddr; u32 _crc; string _filename;"},
        {"lttng_ust_statedump", "procname",
         "integer { size = 8; align = 8; signed = 1; encoding = UTF8; } _procname[17];"},
        {"lttng_ust_statedump", "end", ""},
        {"lttng_ust_lib", "load", "x64 _baddr; u64 _memsz; string _path; u8 _has_build_id; u8 _has_debug_link;"},
        {"lttng_ust_lib", "build_id", "x64 _baddr; ulong __build_id_length; x8 _build_id[ __build_id_length ];"},
        {"lttng_ust_lib", "debug_link", "x64 _baddr; u32 _crc; string _filename;"},
        {"lttng_ust_lib", "unload", "x64 _baddr;"},
    };
    for (unsigned i = 0; i < sizeof events / sizeof events[0]; i++) {
        begin_event(events[i].provider, events[i].name, i);
        printf("    \"%s\\n\"\n", events[i].fields);
        end_event();
    }
}

/* ---- ours ---- */

static void print_integer(const struct lttng_ust_type_common *type, const char *name)
{
    if (type->type != lttng_ust_type_integer)
        refuse(name);
    const struct lttng_ust_type_integer *integer = (const struct lttng_ust_type_integer *)type;
    const char *reversed = LTTNG_UST_BYTE_ORDER == LTTNG_UST_LITTLE_ENDIAN ? " byte_order = be;" : " byte_order = le;";
    printf("    \"integer { size = %u; align = %u; signed = %u; base = %u;%s } _%s", integer->size,
           (unsigned)integer->alignment, (unsigned)integer->signedness, integer->base,
           integer->reverse_byte_order ? reversed : "", name);
}

/* The length is the field before, whose name LTTng has made of this one's. */
static void print_sequence(const struct lttng_ust_type_sequence *sequence, const char *name)
{
    if (sequence->alignment || sequence->encoding != lttng_ust_string_encoding_none)
        refuse(name);
    print_integer(sequence->elem_type, name);
    printf("[ __%s_length ];\\n\"\n", name);
}

static void print_field(const struct lttng_ust_event_field *field)
{
    switch (field->type->type) {
    case lttng_ust_type_integer:
        print_integer(field->type, field->name);
        puts(";\\n\"");
        return;
    case lttng_ust_type_string:
        printf("    \"string _%s;\\n\"\n", field->name);
        return;
    case lttng_ust_type_sequence:
        print_sequence((const struct lttng_ust_type_sequence *)field->type, field->name);
        return;
    default:
        refuse(field->name);
    }
}

static void print_our_events(void)
{
    for (unsigned id = 0; id < provider->nr_events; id++) {
        const struct lttng_ust_event_desc *event = provider->event_desc[id];
        begin_event(provider->provider_name, event->event_name, id);
        for (size_t i = 0; i < event->tp_class->nr_fields; i++)
            if (!event->tp_class->fields[i]->nowrite)
                print_field(event->tp_class->fields[i]);
        end_event();
    }
}

int main(int argc, char **argv)
{
    probes_register();
    if (!provider || argc != 2 || !freopen(argv[1], "w", stdout))
        return EXIT_FAILURE;
    puts("/* Generated by print_metadata. */\n"
         "#include \"collector/known_metadata.h\"\n"
         "#include <stddef.h>\n"
         "static const char ours[] =");
    print_preamble();
    print_our_events();
    puts("    ;\nstatic const char lttngs[] =");
    print_preamble();
    print_lttng_events();
    puts("    ;\nconst char *const known_metadata[] = {ours, lttngs, NULL};\n"
         "const char known_metadata_version[] = \"" MAPSCOPE_VERSION "\";");
    return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
