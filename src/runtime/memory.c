/* See memory.h. */
#include "runtime/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

/* calloc: fresh pages of a large block come zeroed from the kernel, one fault at a time, not all at once. */
static void *allocate(size_t size)
{
    return calloc(1, size);
}

static void *map_pages(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

static void unmap_pages(void *pages, size_t size)
{
    int kept_errno = errno;
    munmap(pages, size);
    errno = kept_errno;
}

struct memory memory = {.allocate = allocate, .release = free, .map = map_pages, .unmap = unmap_pages};

void *memory_allocate_raw(size_t size)
{
    return memory.allocate == allocate ? malloc(size) : memory.allocate(size);
}
