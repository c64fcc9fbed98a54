/* Any bytes as a metadata file: unpacked, parsed, compiled. */
#include <stdint.h>
#include <stdlib.h>

#include "collector/ctf/metadata.h"
#include "collector/ctf/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text;
    size_t length;
    uint32_t next_index = 0;
    struct ctf_trace *trace;
    if (ctf_metadata_unpack(bytes, size, "fuzzed", NULL, &text, &length))
        return 0;
    if (ctf_trace_create(text, length, &next_index, NULL, &trace) == 0)
        ctf_trace_destroy(trace);
    free(text);
    return 0;
}
