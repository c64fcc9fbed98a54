/* See vec.h. */
#include "support/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int vec_reserve(void *items, size_t count, size_t *capacity, size_t extra, size_t item_size)
{
    size_t needed;
    if (__builtin_add_overflow(count, extra, &needed))
        return -ENOMEM;
    if (needed <= *capacity)
        return 0;
    size_t wanted = *capacity ? *capacity * 2 : 16;
    if (wanted < needed)
        wanted = needed;
    void *array;
    memcpy(&array, items, sizeof array); /* a typed pointer must not be read through a void ** */
    array = reallocarray(array, wanted, item_size);
    if (!array)
        return -ENOMEM;
    memcpy(items, &array, sizeof array);
    *capacity = wanted;
    return 0;
}
