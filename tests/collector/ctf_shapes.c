/*
 * Writes traces that no machine at hand records, into folders below FOLDER named after their layout, for
 * test_ctf_differential.sh: both byte orders, both alignments, both event headers, both sizes of a `long`.
 *
 *     ctf_shapes FOLDER
 *     ctf_shapes --kernel FOLDER BEGIN_NS CLOCK_OFFSET_NS     # a kernel trace alone
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf_everything.h"
#include "collector/ctf_kernel.h"

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--kernel") == 0) {
        ctf_write_kernel(argv[2], strtoull(argv[3], NULL, 10), strtoll(argv[4], NULL, 10));
        return 0;
    }
    if (argc != 2)
        return 2;
    for (unsigned bits = 0; bits < 16; bits++) {
        bool big = bits & 1, natural = (bits >> 1) & 1, compact = (bits >> 2) & 1, is_32_bit = (bits >> 3) & 1;
        struct ctf_layout layout = {.big_endian = big,
                                    .natural_alignment = natural,
                                    .compact_header = compact,
                                    .discarded_bits = is_32_bit ? 32 : 64,
                                    .uuid = (unsigned char)(bits + 1)};
        char folder[4096];
        snprintf(folder, sizeof folder, "%s/%s-%s-%s%s", argv[1], big ? "big" : "little",
                 natural ? "natural" : "packed", compact ? "compact" : "large", is_32_bit ? "-32-bit" : "");
        ctf_write_everything(folder, &layout);
    }
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/kernel", argv[1]);
    ctf_write_kernel(folder, 1000, 0);
    return 0;
}
