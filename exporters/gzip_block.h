/*
 * A block of a gzip stream, deflated on its own, so that several threads can deflate one stream, as pigz does: what
 * came before it is its dictionary, and unless it is the last it ends at a byte. In order, one behind the other, the
 * deflated blocks are one raw deflate stream, the same whoever deflated each of them.
 *
 * A block and its dictionary together fit into the window with which zlib begins, twice 32 KiB and less its lookahead.
 * So it never moves that window on; in longer blocks a quarter of the time went there. Of the lines of a timeline a
 * longer dictionary saves nothing: 3 KiB are a dozen of them.
 */
#ifndef EXPORTERS_GZIP_BLOCK_H
#define EXPORTERS_GZIP_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/gzip.h"

/* DEFLATED: a block of noise, stored, the 5 bytes before each stored part, and those that end it. */
enum { GZIP_BLOCK_BYTES = 60 * 1024, GZIP_DICTIONARY_BYTES = 3 * 1024, GZIP_DEFLATED_BYTES = GZIP_BLOCK_BYTES + 1024 };

struct gzip_block {
    size_t dictionary_size, size, deflated_size;
    uint32_t crc; /* of the text */
    bool is_last;
    unsigned char dictionary[GZIP_DICTIONARY_BYTES];
    unsigned char text[GZIP_BLOCK_BYTES];
    unsigned char deflated[GZIP_DEFLATED_BYTES];
};

struct gzip_deflater; /* opaque; what a thread needs, about 270 KB */

/* 0 or -ENOMEM. */
int gzip_deflater_create(enum gzip_level level, struct gzip_deflater **out);
void gzip_deflater_destroy(struct gzip_deflater *deflater); /* legal on NULL */

/* From the dictionary and the text to what is deflated, and the CRC. Cannot fail. */
void gzip_block_deflate(struct gzip_block *block, struct gzip_deflater *deflater);

/* The CRC of a text that goes on with the block. */
uint32_t gzip_block_crc_after(const struct gzip_block *block, uint32_t crc);

#endif
