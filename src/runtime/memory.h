/*
 * Where the runtime's own structures get their memory: malloc and mmap, or a test's allocator that fails on
 * demand. Replace it only while nothing allocated by the other one is alive. Any thread; not signal-safe.
 */
#ifndef MSC_RUNTIME_MEMORY_H
#define MSC_RUNTIME_MEMORY_H

#include <stddef.h>

struct memory {
    void *(*allocate)(size_t size); /* zeroed, aligned for any type; NULL when memory is out */
    void (*release)(void *block);   /* NULL is allowed */

    /*
     * Whole pages, zeroed, which the kernel provides one by one as they are touched; may be given back in
     * parts. NULL = there is no such source: everything is allocated.
     */
    void *(*map)(size_t size);
    void (*unmap)(void *pages, size_t size);
};

extern struct memory memory __attribute__((visibility("hidden")));

/* The same without zeroing, which costs glibc its per-thread cache of blocks. */
void *memory_allocate_raw(size_t size);

#endif
