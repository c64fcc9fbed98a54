/* Any bytes as a stream file, read with metadata of every kind of field; the first byte chooses its layout. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctf_everything.h"
#include "fuzz/stream_file.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[STREAM_PATH_SIZE];
    if (size < 2)
        return 0;
    int fd = stream_file_open(bytes + 1, size - 1, path);
    stream_file_read(path, size - 1, trace_of(bytes[0] % LAYOUTS));
    close(fd);
    return 0;
}
