/* A chain of calls, compiled as two modules: with frame pointers and without. See stack.c. */
#include "bench/stack_descend.h"

void STACK_DESCEND(unsigned depth, void (*leaf)(void *), void *argument)
{
    if (depth > 0)
        STACK_DESCEND(depth - 1, leaf, argument);
    else
        leaf(argument);
}
