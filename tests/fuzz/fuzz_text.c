/* Any bytes as a contention profile in text; what is made of it keeps every rule of a profile. */
#include <stdlib.h>
#include <string.h>

#include "collector/contention_text.h"
#include "exporters/pprof/pprof.h"
#include "exporters/pprof/pprof_check.h"
#include "fuzz/conversion.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct memory {
    unsigned char *bytes;
    size_t size;
};

static int append(void *self, const void *bytes, size_t size)
{
    struct memory *memory = self;
    unsigned char *grown = realloc(memory->bytes, memory->size + size);
    if (!grown)
        abort();
    memcpy(grown + memory->size, bytes, size);
    *memory = (struct memory){grown, memory->size + size};
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct profile *profile;
    struct memory memory = {0};
    struct outbuf out;
    if (contention_text_read((const char *)bytes, size, 1, &profile, NULL))
        return 0;
    if (outbuf_init(&out, append, &memory) || pprof_write(profile, &out, NULL) || outbuf_flush(&out))
        abort();
    conversion_check_profile("pprof", memory.bytes, memory.size);
    profile_destroy(profile);
    outbuf_fini(&out);
    free(memory.bytes);
    return 0;
}
