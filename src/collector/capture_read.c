/* See capture_read.h. */
#include "collector/capture_read.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/known_metadata.h"
#include "support/json_find.h"

enum { FILE_BYTES_MAX = 64 << 20 }; /* arguments of a program may be long: Linux takes 6 MiB of them */

struct text {
    char *bytes; /* owned */
    size_t length;
};

/* A plain file only: others read for ever, or wait for a writer. */
static int open_plain(const char *path, size_t *size)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return fd;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= FILE_BYTES_MAX) {
        *size = (size_t)status.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

static bool read_file(const char *folder, const char *name, struct text *out)
{
    char *path;
    size_t size = 0;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return false;
    int fd = open_plain(path, &size);
    free(path);
    if (fd < 0)
        return false;
    out->bytes = malloc(size + 1);
    ssize_t got = out->bytes ? pread(fd, out->bytes, size, 0) : 0;
    out->length = got > 0 ? (size_t)got : 0;
    close(fd);
    return out->bytes != NULL;
}

static uint64_t number_at(const struct text *text, const char *path)
{
    struct json_span span;
    uint64_t number = 0;
    return json_find(text->bytes, text->length, path, &span) && json_u64(span, &number) ? number : 0;
}

static bool is_at(const struct text *text, const char *path, const char *value)
{
    struct json_span span;
    return json_find(text->bytes, text->length, path, &span) && json_is_text(span, value);
}

static enum losses_end end_of(const struct text *text)
{
    static const struct {
        const char *path, *value;
        enum losses_end end;
    } ends[] = {
        {"state", "recording", LOSSES_END_KILLED},
        {"ended_by", "daemon", LOSSES_END_DAEMON},
        {"state", "cut", LOSSES_END_CUT},
        {"ended_by", "duration", LOSSES_END_DURATION},
        {"ended_by", "size", LOSSES_END_SIZE},
        {"ended_by", "signal", LOSSES_END_SIGNAL},
        {"ended_by", "program", LOSSES_END_PROGRAM},
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (is_at(text, ends[i].path, ends[i].value))
            return ends[i].end;
    return LOSSES_END_UNKNOWN;
}

struct capture_said capture_read(const char *folder)
{
    struct capture_said said = {0};
    struct text text = {0};
    struct json_span version;
    if ((read_file(folder, "capture.json", &text) || read_file(folder, "../capture.json", &text)) &&
        json_find(text.bytes, text.length, "mapscope", &version))
        said = (struct capture_said){
            .is_there = true,
            .is_of_other_version = !json_is_text(version, known_metadata_version),
            .end = end_of(&text),
            .discarded_events = number_at(&text, "losses.discarded_events"),
            .lost_packets = number_at(&text, "losses.lost_packets"),
            .without_buffers = number_at(&text, "losses.without_buffers.count"),
            .without_metadata = number_at(&text, "losses.without_metadata.count"),
            .end_ns = number_at(&text, "end.monotonic_ns"),
            .clock_offset_ns = (int64_t)(number_at(&text, "begin.epoch_ns") - number_at(&text, "begin.monotonic_ns")),
        };
    free(text.bytes);
    return said;
}

void capture_add_losses(const struct capture_said *said, struct losses *losses)
{
    losses->end = said->end;
    if (said->discarded_events > losses->discarded_events)
        losses->discarded_events = said->discarded_events;
    if (said->lost_packets > losses->lost_packets)
        losses->lost_packets = said->lost_packets;
    losses->unrecorded_processes = said->without_buffers;
    if (said->without_metadata > losses->skipped_traces + losses->known_traces)
        losses->skipped_traces = said->without_metadata - losses->known_traces;
}
