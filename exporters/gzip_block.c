/* See gzip_block.h. */
#include "exporters/gzip_block.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

enum { MEMORY_LEVEL = 8 };

struct gzip_deflater {
    z_stream stream;
    enum gzip_level level;
};

/*
 * Level 1 is content with a match of 8 bytes, but lines of a timeline repeat each other nearly whole: if it goes on
 * until 128, still with 4 tries, 3 % more time makes the file 10 % smaller (level 2: 4 %, 6 %).
 */
static void tune(z_stream *stream)
{
    enum { GOOD_LENGTH = 4, INSERTED_LENGTH = 4, NICE_LENGTH = 128, TRIES = 4 };
    deflateTune(stream, GOOD_LENGTH, INSERTED_LENGTH, NICE_LENGTH, TRIES);
}

int gzip_deflater_create(enum gzip_level level, struct gzip_deflater **out)
{
    struct gzip_deflater *deflater = calloc(1, sizeof *deflater);
    if (!deflater)
        return -ENOMEM;
    deflater->level = level;
    if (deflateInit2(&deflater->stream, (int)level, Z_DEFLATED, -MAX_WBITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(deflater);
        return -ENOMEM;
    }
    *out = deflater;
    return 0;
}

void gzip_deflater_destroy(struct gzip_deflater *deflater)
{
    if (deflater)
        deflateEnd(&deflater->stream);
    free(deflater);
}

/* Of what is called here nothing can fail: all memory was allocated by deflateInit2. */
void gzip_block_deflate(struct gzip_block *block, struct gzip_deflater *deflater)
{
    z_stream *stream = &deflater->stream;
    deflateReset(stream);
    if (deflater->level == GZIP_FAST)
        tune(stream);
    deflateSetDictionary(stream, block->dictionary, (uInt)block->dictionary_size);
    stream->next_in = block->text;
    stream->avail_in = (uInt)block->size;
    stream->next_out = block->deflated;
    stream->avail_out = GZIP_DEFLATED_BYTES;
    deflate(stream, block->is_last ? Z_FINISH : Z_SYNC_FLUSH);
    assert(stream->avail_out); /* = it is whole */
    block->deflated_size = GZIP_DEFLATED_BYTES - stream->avail_out;
    block->crc = (uint32_t)crc32(0, block->text, (uInt)block->size);
}

uint32_t gzip_block_crc_after(const struct gzip_block *block, uint32_t crc)
{
    return (uint32_t)crc32_combine(crc, block->crc, (z_off_t)block->size);
}
