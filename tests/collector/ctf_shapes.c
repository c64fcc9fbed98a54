/*
 * Writes traces that no machine at hand records, into folders below FOLDER named after their layout, for
 * test_ctf_differential.sh: both byte orders, both alignments, both event headers.
 *
 *     ctf_shapes FOLDER
 */
#include <stdio.h>

#include "collector/ctf_everything.h"

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    for (unsigned bits = 0; bits < 8; bits++) {
        bool big = bits & 1, natural = (bits >> 1) & 1, compact = (bits >> 2) & 1;
        struct ctf_layout layout = {.big_endian = big,
                                    .natural_alignment = natural,
                                    .compact_header = compact,
                                    .uuid = (unsigned char)(bits + 1)};
        char folder[4096];
        snprintf(folder, sizeof folder, "%s/%s-%s-%s", argv[1], big ? "big" : "little", natural ? "natural" : "packed",
                 compact ? "compact" : "large");
        ctf_write_everything(folder, &layout);
    }
    return 0;
}
