/* See known.h. */
#include "collector/ctf/known.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctf/lane.h"

enum {
    TRIED_EVENTS = 1000,
    ONE_EVENT = 0, /* a batch that is too small for any has room for as many as there must be */
    UUID_BYTES = 16,
    START_BYTES = 24,  /* of a packet header: magic, uuid, stream_id */
    PID_MAX = 1 << 22, /* Linux' PID_MAX_LIMIT */
};

/* What a file's first packet says about where it belongs. */
struct origin {
    uint8_t uuid[UUID_BYTES];
    uint32_t stream_id;
};

/* In the byte order of this machine: that is what the texts are for. */
static bool read_origin(const char *path, struct origin *out)
{
    uint8_t bytes[START_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool is_whole = read(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes;
    close(fd);
    if (is_whole) {
        memcpy(out->uuid, bytes + CTF_MAGIC_BYTES, UUID_BYTES);
        memcpy(&out->stream_id, bytes + CTF_MAGIC_BYTES + UUID_BYTES, sizeof out->stream_id);
    }
    return is_whole;
}

static bool has_origin(const struct ctf_trace *trace, const struct origin *origin)
{
    return trace->streams[0].id == origin->stream_id && memcmp(trace->declared.uuid, origin->uuid, UUID_BYTES) == 0;
}

static void set_origin(struct ctf_trace *trace, const struct origin *origin)
{
    trace->streams[0].id = origin->stream_id;
    trace->declared.has_uuid = true;
    memcpy(trace->declared.uuid, origin->uuid, UUID_BYTES);
}

/* ---- does it explain the file? ---- */

/* Random bytes are seldom the number of a process or a thread. */
static bool is_plausible(const struct ctf_entry *entry)
{
    const struct ctf_value *values = (const struct ctf_value *)(const void *)(entry + 1);
    for (size_t i = 0; i < entry->class->field_count; i++) {
        const struct ctf_field *field = &entry->class->fields[i];
        bool is_id = field->is_context && (strcmp(field->name, "vpid") == 0 || strcmp(field->name, "vtid") == 0);
        if (is_id && (values[i].i <= 0 || values[i].i > PID_MAX))
            return false;
    }
    return true;
}

/* The end of the file may be cut: what was there of it must still be explained. */
static bool is_damaged(const struct ctf_stream *stream)
{
    return (stream->files[0].warned & ~(unsigned)FILE_CUT) != 0;
}

/* KNOWN_FIRST: events, and each as it should be. Else KNOWN_EMPTY, KNOWN_NOTHING or -ENOMEM. */
static int try_events(struct ctf_stream *stream)
{
    struct ctf_lane lane;
    const struct ctf_entry *entry;
    unsigned tried = 0;
    int state = 0;
    ctf_lane_init(&lane, stream, NULL, ONE_EVENT);
    while (tried < TRIED_EVENTS && (state = ctf_lane_peek(&lane, &entry)) == 1) {
        if (is_damaged(stream) || !is_plausible(entry))
            break;
        ctf_lane_take(&lane, entry);
        tried++;
    }
    ctf_lane_fini(&lane);
    if (state == -ENOMEM)
        return state;
    if (is_damaged(stream) || (state != 0 && tried < TRIED_EVENTS))
        return KNOWN_NOTHING;
    return tried ? KNOWN_FIRST : KNOWN_EMPTY;
}

static int try_file(const struct ctf_trace *trace, const struct ctf_leaf_file *leaf_file)
{
    static const struct ctf_report silent;
    struct ctf_file *file = malloc(sizeof *file);
    if (!file)
        return -ENOMEM;
    *file = (struct ctf_file){.path = leaf_file->path, .trace = trace, .size = leaf_file->size};
    struct ctf_window window;
    ctf_window_init(&window);
    int state = ctf_file_next(file, &window, &silent);
    ctf_window_fini(&window);
    if (state != 1) {
        free(file);
        return state == -ENOMEM ? state : KNOWN_NOTHING;
    }
    struct ctf_stream stream;
    ctf_stream_init(&stream, 0, file, 1, &silent);
    state = try_events(&stream);
    ctf_stream_fini(&stream);
    return state;
}

static int try_known(struct ctf_known *known, size_t index, const struct ctf_leaf_file *file,
                     const struct origin *origin)
{
    struct ctf_trace *trace = known->traces[index];
    bool was_used = known->is_used[index];
    if (was_used && !has_origin(trace, origin))
        return KNOWN_NOTHING;
    set_origin(trace, origin);
    int state = try_file(trace, file);
    known->is_used[index] |= state == KNOWN_FIRST;
    return state == KNOWN_FIRST && was_used ? KNOWN_AGAIN : state;
}

int ctf_known_explain(struct ctf_known *known, const struct ctf_leaf_file *file, struct ctf_trace **out)
{
    struct origin origin;
    int best = KNOWN_NOTHING;
    if (!read_origin(file->path, &origin))
        return best;
    for (size_t i = 0; i < known->count && best < KNOWN_FIRST; i++) {
        int state = try_known(known, i, file, &origin);
        if (state < 0)
            return state;
        if (state >= KNOWN_FIRST)
            *out = known->traces[i];
        best = state > best ? state : best;
    }
    return best;
}

/* ---- life ---- */

int ctf_known_init(struct ctf_known *known, const char *const *texts, uint32_t *next_index)
{
    *known = (struct ctf_known){0};
    int error = 0;
    for (; texts && *texts && known->count < CTF_KNOWN_MAX && error != -ENOMEM; texts++) {
        struct ctf_trace **trace = &known->traces[known->count];
        error = ctf_trace_create(*texts, strlen(*texts), next_index, NULL, trace);
        if (!error && (*trace)->stream_count == 1)
            known->count++;
        else if (!error)
            ctf_trace_destroy(*trace);
    }
    return error == -ENOMEM ? error : 0;
}

void ctf_known_fini(struct ctf_known *known)
{
    for (size_t i = 0; i < known->count; i++)
        if (!known->is_used[i])
            ctf_trace_destroy(known->traces[i]);
    known->count = 0;
}
