/* Any bytes as a stream file, read with metadata of every kind of field; the first byte chooses its layout. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/ctf/stream.h"
#include "collector/ctf_everything.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { LAYOUTS = 8 };

static struct ctf_trace *trace_of(unsigned layout)
{
    static struct ctf_trace *traces[LAYOUTS]; /* made once, for the life of the process */
    if (traces[layout])
        return traces[layout];
    struct ctf_layout variation = {
        .big_endian = layout & 1, .natural_alignment = (layout >> 1) & 1, .compact_header = (layout >> 2) & 1};
    char *text = ctf_everything_text(&variation);
    uint32_t next_index = 0;
    if (ctf_trace_create(text, strlen(text), &next_index, NULL, &traces[layout]))
        abort();
    free(text);
    return traces[layout];
}

/* Touches all that an event hands out. */
static uint64_t sum_of(const struct ctf_event *event)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < event->class->field_count; i++) {
        const struct ctf_value *value = &event->values[i];
        enum ctf_type type = event->class->fields[i].type;
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
    struct ctf_file *files = malloc(sizeof *files);
    if (!files)
        abort();
    *files = *found;
    ctf_stream_init(&stream, 0, files, 1, &silent);
    while (ctf_stream_next(&stream) == 1)
        sink = sum_of(&stream.event);
    ctf_stream_fini(&stream);
    (void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct ctf_report silent;
    if (size < 2)
        return 0;
    int fd = memfd_create("stream", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes + 1, size - 1) != (ssize_t)(size - 1))
        abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct ctf_file file = {.path = path, .trace = trace_of(bytes[0] % LAYOUTS), .size = size - 1};
    struct ctf_window window;
    ctf_window_init(&window);
    int state = ctf_file_next(&file, &window, &silent);
    ctf_window_fini(&window);
    if (state == 1)
        read_stream(&file);
    close(fd);
    return 0;
}
