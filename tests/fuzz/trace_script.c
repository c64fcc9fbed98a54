/* See trace_script.h. The events' fields are those of collector/known_metadata.h, whatever they are by now. */
#include "fuzz/trace_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/ctf/trace.h"
#include "collector/ctf_writer.h"
#include "collector/known_metadata.h"
#include "fuzz/page_script.h"

enum {
    WITHOUT_METADATA = 1,
    WITH_PAGE = 2,
    WITH_CAPTURE = 4,
    WITH_DAMAGE = 8,
    PAGE_STEPS = 8,
    DAMAGES = 4,
    PACKET_BYTES = 64,
    SEQUENCE_MAX = 6,
    EVENTS_MAX = 128,     /* of a leaf */
    CODE_BASE = 0x100000, /* where the stacks of a script point to */
    TIME_UNIT_NS = 10
};

/* Leaves: ours with two streams, LTTng's with one. */
enum { OURS, LTTNGS, LEAVES, STREAMS = 3 };

static const char *const leaf_names[LEAVES] = {"ours", "lttngs"};
static const struct {
    int leaf;
    const char *name;
} streams[STREAMS] = {{OURS, "ev_0"}, {OURS, "ev_1"}, {LTTNGS, "meta_0"}};

static const char *const texts[] = {"",
                                    "sessions",
                                    "table.mutex",
                                    "/dev/zero",
                                    "/nowhere/lib\xff.so",
                                    "[vdso]",
                                    "\x1b[31m\n\t\"\\",
                                    "\xed\xa0\x80\xf4\x90\x80\x80",
                                    "<img src=x>&amp;%s%n",
                                    "_ZN3mapI3keyE6assignEv",
                                    "pthread_mutex_lock"};

enum { TEXTS = sizeof texts / sizeof *texts };

struct writing {
    struct script *script;
    struct ctf_writer writers[STREAMS];
    uint64_t sequences[STREAMS];
    unsigned stream; /* of OURS */
    uint64_t now_ns;
    bool is_used[LEAVES][EVENTS_MAX];
};

/* The declarations of a leaf, compiled once for the life of the process. */
static const struct tsdl_trace *declarations(int leaf)
{
    static struct ctf_trace *traces[LEAVES];
    uint32_t next_index = 0;
    if (!traces[leaf] &&
        ctf_trace_create(known_metadata[leaf], strlen(known_metadata[leaf]), &next_index, NULL, &traces[leaf]))
        abort();
    return &traces[leaf]->declared;
}

/* ---- fields ---- */

static bool is_time(const char *name)
{
    size_t length = strlen(name);
    return length > 3 && strcmp(name + length - 3, "_ns") == 0;
}

/* Small numbers are times that have passed, and lengths of a few elements. */
static uint64_t number_for(struct writing *writing, const char *name, bool is_length)
{
    uint64_t number = script_number(writing->script);
    if (is_length)
        return number < 0xd0 ? number % SEQUENCE_MAX : number;
    bool is_small = number < 0x80;
    return is_small && is_time(name) ? writing->now_ns - number * TIME_UNIT_NS : number;
}

static void put_text(struct writing *writing, struct ctf_writer *writer)
{
    uint8_t choice = script_byte(writing->script);
    const char *text = choice < TEXTS ? texts[choice] : "";
    ctf_put_bytes(writer, text, strlen(text));
    for (unsigned i = 0; choice >= TEXTS && i < (choice & 31); i++) {
        uint8_t byte = script_byte(writing->script);
        ctf_put_bytes(writer, byte ? (const void *)&byte : "0", 1); /* behind a NUL would be the next field */
    }
    ctf_put_bytes(writer, "", 1);
}

static void put_elements(struct writing *writing, struct ctf_writer *writer, const struct tsdl_type *element,
                         uint64_t count)
{
    bool is_address = element->size == 64;
    for (uint64_t i = 0; i < count; i++)
        ctf_put_at(writer, element->align, element->size,
                   script_number(writing->script) + (is_address ? CODE_BASE : 0));
}

static void put_fields(struct writing *writing, struct ctf_writer *writer, const struct tsdl_type *fields)
{
    uint64_t length = 0;
    for (size_t i = 0; fields && i < fields->member_count; i++) {
        const struct tsdl_type *type = fields->members[i].type;
        const char *name = fields->members[i].name;
        switch (type->kind) {
        case TSDL_INTEGER:
            length = number_for(writing, name, name[0] == '_' && name[1] == '_');
            ctf_put_at(writer, type->align, type->size, length);
            break;
        case TSDL_STRING:
            put_text(writing, writer);
            break;
        case TSDL_SEQUENCE: /* one that claims too much runs into what comes */
            put_elements(writing, writer, type->element, length < SEQUENCE_MAX ? length : 0);
            break;
        case TSDL_ARRAY:
            put_elements(writing, writer, type->element, type->length);
            break;
        default:
            abort();
        }
    }
}

/* ---- events and packets ---- */

static void end_packet(struct writing *writing, unsigned stream, unsigned lost_packets)
{
    ctf_packet_end(&writing->writers[stream], PACKET_BYTES);
    writing->sequences[stream] += 1 + lost_packets;
    ctf_packet_begin(&writing->writers[stream], writing->now_ns, writing->sequences[stream]);
}

static void put_event(struct writing *writing, uint8_t choice)
{
    const struct tsdl_trace *ours = declarations(OURS), *lttngs = declarations(LTTNGS);
    size_t index = choice % (ours->event_count + lttngs->event_count);
    bool is_ours = index < ours->event_count;
    if (!is_ours)
        index -= ours->event_count;
    const struct tsdl_event *event = is_ours ? &ours->events[index] : &lttngs->events[index];
    writing->is_used[is_ours ? OURS : LTTNGS][index % EVENTS_MAX] = true;
    struct ctf_writer *writer = &writing->writers[is_ours ? writing->stream : STREAMS - 1];
    uint8_t who = script_byte(writing->script);
    writing->now_ns += script_byte(writing->script);
    ctf_put_event(writer, (uint32_t)event->id, writing->now_ns);
    ctf_put(writer, 32, 700 + (who & 1));
    ctf_put(writer, 32, who & 0x80 ? 0 : 10 + (who >> 1 & 3));
    put_fields(writing, writer, event->fields);
}

static void step(struct writing *writing)
{
    uint8_t what = script_byte(writing->script);
    if (what < 0xe0) {
        put_event(writing, what);
    } else if (what < 0xe8) {
        writing->writers[writing->stream].discarded += what >> 2 & 1;
        end_packet(writing, writing->stream, what & 3);
    } else if (what < 0xf0) {
        writing->stream = what & 1;
    } else {
        writing->now_ns += script_number(writing->script);
    }
}

static void write_events(struct writing *writing)
{
    static const struct ctf_layout layout = {0};
    for (unsigned i = 0; i < STREAMS; i++) {
        ctf_writer_open(&writing->writers[i], &layout, i);
        ctf_packet_begin(&writing->writers[i], writing->now_ns, 0);
    }
    while (script_has_more(writing->script))
        step(writing);
    for (unsigned i = 0; i < STREAMS; i++)
        ctf_packet_end(&writing->writers[i], PACKET_BYTES);
}

/* ---- files ---- */

struct damage {
    uint8_t stream, value;
    uint16_t at;
};

static struct damage damage_of(struct script *script)
{
    struct damage damage;
    damage.stream = script_byte(script);
    damage.value = script_byte(script);
    damage.at = script_word(script);
    return damage;
}

static void apply(const struct damage *damage, struct writing *writing)
{
    struct ctf_writer *writer = &writing->writers[damage->stream % STREAMS];
    uint64_t size = writer->at / 8;
    if (damage->stream & 0x80)
        writer->at = damage->at % (size + 1) * 8; /* cut off */
    else if (size)
        writer->bytes[damage->at % size] = damage->value;
}

/* As the recorder would, but for events that are not there: to read their declarations takes most of the time. */
static void write_metadata(const struct writing *writing, int leaf, const char *folder)
{
    char *text = calloc(1, strlen(known_metadata[leaf]) + 1), *to = text;
    const char *from = known_metadata[leaf], *next = strstr(from, "event {");
    if (!text)
        abort();
    to = mempcpy(to, from, (size_t)(next - from));
    for (size_t i = 0; (from = next); i++) {
        next = strstr(from + 1, "event {");
        if (writing->is_used[leaf][i % EVENTS_MAX])
            to = mempcpy(to, from, next ? (size_t)(next - from) : strlen(from));
    }
    ctf_write_file(folder, "metadata", text, (size_t)(to - text));
    free(text);
}

static void write_leaves(const struct writing *writing, const char *trace, bool has_metadata)
{
    for (int leaf = 0; leaf < LEAVES; leaf++) {
        char *folder = ctf_path(trace, leaf_names[leaf]);
        mkdir(folder, 0700);
        if (has_metadata)
            write_metadata(writing, leaf, folder);
        else
            ctf_write_file(folder, "metadata", "", 0);
        for (unsigned i = 0; i < STREAMS; i++)
            if (streams[i].leaf == leaf)
                ctf_writer_save(&writing->writers[i], folder, streams[i].name);
        free(folder);
    }
}

/* Of another version streams without metadata are not explained: that costs most of the time. */
static void write_capture(struct script *script, const char *folder, uint8_t flags)
{
    char text[256];
    bool says_more = flags & WITH_CAPTURE;
    unsigned lost = says_more ? script_byte(script) : 0, end_ns = says_more ? script_word(script) : 0;
    int length = snprintf(text, sizeof text,
                          "{\"mapscope\":\"%s\",\"state\":\"cut\",\"losses\":{\"discarded_events\":%u},"
                          "\"begin\":{\"epoch_ns\":%u,\"monotonic_ns\":1},\"end\":{\"monotonic_ns\":%u}}",
                          flags & WITHOUT_METADATA ? known_metadata_version : "other", lost, end_ns, end_ns);
    ctf_write_file(folder, "capture.json", text, (size_t)length);
}

static void remove_page(const char *folder)
{
    char *path = ctf_path(folder, "pages/700-1000.page");
    unlink(path);
    free(path);
}

void trace_script_write(struct script *script, const char *folder)
{
    struct writing writing = {.script = script, .now_ns = 1000000};
    struct damage damages[DAMAGES];
    uint8_t flags = script_byte(script);
    char *trace = ctf_path(folder, "trace");
    for (size_t i = 0; flags & WITH_DAMAGE && i < DAMAGES; i++)
        damages[i] = damage_of(script);
    if (flags & WITH_PAGE)
        page_script_write(script, PAGE_STEPS, folder);
    else
        remove_page(folder);
    write_capture(script, folder, flags);
    write_events(&writing);
    for (size_t i = 0; flags & WITH_DAMAGE && i < DAMAGES; i++)
        apply(&damages[i], &writing);
    mkdir(trace, 0700);
    write_leaves(&writing, trace, !(flags & WITHOUT_METADATA));
    for (unsigned i = 0; i < STREAMS; i++)
        ctf_writer_close(&writing.writers[i]);
    free(trace);
}
