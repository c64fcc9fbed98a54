/*
 * Growing arrays without a type of their own: a pointer, a count and a capacity side by side.
 *
 *     int error = VEC_RESERVE(list->items, list->count, list->capacity, 1);
 *     if (error)
 *         return error;
 *     list->items[list->count++] = item;
 */
#ifndef SUPPORT_VEC_H
#define SUPPORT_VEC_H

#include <stddef.h>

/* Makes room for `extra` more items. 0, or -ENOMEM with the array as it was. */
#define VEC_RESERVE(items, count, capacity, extra) vec_reserve(&(items), (count), &(capacity), (extra), sizeof *(items))

/* `items` is the address of the array's pointer, whatever its type. */
int vec_reserve(void *items, size_t count, size_t *capacity, size_t extra, size_t item_size);

#endif
