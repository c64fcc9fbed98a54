/* See stream_file.h. */
#include "fuzz/stream_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/ctf/lane.h"

int stream_file_open(const uint8_t *bytes, size_t size, char path[STREAM_PATH_SIZE])
{
    int fd = memfd_create("stream", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    snprintf(path, STREAM_PATH_SIZE, "/proc/self/fd/%d", fd);
    return fd;
}

enum { BATCH_BYTES = 1024 };

static uint64_t sum_of(const struct ctf_entry *entry)
{
    const struct ctf_value *values = (const struct ctf_value *)(const void *)(entry + 1);
    uint64_t sum = 0;
    for (size_t i = 0; i < entry->class->field_count; i++) {
        const struct ctf_value *value = &values[i];
        enum ctf_type type = entry->class->fields[i].type;
        for (uint32_t k = 0; !value->is_absent && k < value->length; k++)
            sum += type == CTF_STRING ? (unsigned char)value->text[k] : type == CTF_SEQUENCE ? value->us[k] : 0;
    }
    return sum;
}

static void read_stream(struct ctf_file *found)
{
    static const struct ctf_report silent;
    static volatile uint64_t sink;
    struct ctf_stream stream;
    struct ctf_lane lane;
    const struct ctf_entry *entry;
    int state;
    struct ctf_file *files = malloc(sizeof *files);
    if (!files)
        abort();
    *files = *found;
    ctf_stream_init(&stream, 0, files, 1, &silent);
    ctf_lane_init(&lane, &stream, NULL, BATCH_BYTES);
    while ((state = ctf_lane_peek(&lane, &entry)) == 1 || state == CTF_LATER) {
        if (state == CTF_LATER)
            continue;
        sink = sum_of(entry);
        ctf_lane_take(&lane, entry);
    }
    ctf_lane_fini(&lane);
    ctf_stream_fini(&stream);
    (void)sink;
}

void stream_file_read(const char *path, size_t size, const struct ctf_trace *trace)
{
    static const struct ctf_report silent;
    struct ctf_file file = {.path = path, .trace = trace, .size = size};
    struct ctf_window window;
    ctf_window_init(&window);
    int state = ctf_file_next(&file, &window, &silent);
    ctf_window_fini(&window);
    if (state == 1)
        read_stream(&file);
}
