/* See memory.h. */
#include "runtime/memory.h"

#include <stdlib.h>

/* calloc: fresh pages of a large table come zeroed from the kernel, one fault at a time, not all at once. */
static void *allocate(size_t size)
{
    return calloc(1, size);
}

struct memory memory = {.allocate = allocate, .release = free};
