/* See descend.h. DESCEND is the name under which this module has it; CROWDED takes every register. */
#include "descend.h"

void DESCEND(unsigned depth, leaf_fn *leaf, void *argument)
{
#ifdef CROWDED /* more values live across the call than there are registers to keep them */
    volatile unsigned source = depth;
    unsigned a = source, b = source, c = source, d = source, e = source, f = source;
#endif
    if (depth > 0)
        DESCEND(depth - 1, leaf, argument);
    else
        leaf(argument);
#ifdef CROWDED
    source = a + b + c + d + e + f;
#endif
}
