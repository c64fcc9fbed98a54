/* See object.h. */
#include "runtime/object.h"

#include <stdatomic.h>

/* Only uniqueness counts, nothing is published through it: relaxed. */
static _Atomic uint64_t generations;

uint64_t object_generation(void)
{
    return atomic_fetch_add_explicit(&generations, 1, memory_order_relaxed) + 1;
}
