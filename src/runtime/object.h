/* Identity of traced objects: an address plus a generation, so that a reused address is another object. */
#ifndef MSC_RUNTIME_OBJECT_H
#define MSC_RUNTIME_OBJECT_H

#include <stdint.h>

/* 1, 2, 3, ... over all objects of the process. Any thread; one atomic add. */
uint64_t object_generation(void);

#endif
