/*
 * Any bytes as the streams of a process that has lost its metadata, explained by mapscope's own or not at all. The
 * first byte chooses how many files they are, of equal size. What is believed is read to its end, as the reader does.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/ctf/known.h"
#include "collector/known_metadata.h"
#include "fuzz/stream_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { FILES_MAX = 3 };

/* The texts, compiled once for the life of the process: of what is found in a leaf only `is_used` tells. */
static struct ctf_known fresh_known(void)
{
    static struct ctf_known known;
    uint32_t next_index = 0;
    if (!known.count && (ctf_known_init(&known, known_metadata, &next_index) || !known.count))
        abort();
    return known;
}

static void explain(struct ctf_known *known, const uint8_t *bytes, size_t size)
{
    char path[STREAM_PATH_SIZE];
    struct ctf_trace *trace;
    int fd = stream_file_open(bytes, size, path);
    struct ctf_leaf_file file = {.path = path, .size = size};
    if (ctf_known_explain(known, &file, &trace) >= KNOWN_FIRST)
        stream_file_read(path, size, trace);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size_t count = size ? bytes[0] % FILES_MAX + 1U : 1, part = size ? (size - 1) / count : 0;
    struct ctf_known known = fresh_known();
    for (size_t i = 0; part && i < count; i++)
        explain(&known, bytes + 1 + i * part, part);
    return 0;
}
