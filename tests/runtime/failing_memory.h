/* An allocator for tests that counts what is alive and fails on demand; so is the source of pages. */
#ifndef TESTS_RUNTIME_FAILING_MEMORY_H
#define TESTS_RUNTIME_FAILING_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "runtime/memory.h"

static struct {
    uint64_t asked, failed;
    uint64_t fail_at;     /* the n-th request from 1; 0 = none */
    bool for_good;        /* and every one after it */
    int64_t alive;        /* blocks */
    int64_t mapped_bytes; /* of pages, some of which may have been given back */
} failing_memory;

/* Whether this request fails. */
static bool failing_memory_fails(void)
{
    uint64_t n = ++failing_memory.asked, at = failing_memory.fail_at;
    bool fails = at && (n == at || (n > at && failing_memory.for_good));
    failing_memory.failed += fails;
    return fails;
}

static void *failing_allocate(size_t size)
{
    if (failing_memory_fails())
        return NULL;
    failing_memory.alive++;
    return calloc(1, size);
}

static void failing_release(void *block)
{
    failing_memory.alive -= block != NULL;
    free(block);
}

static void *failing_map(size_t size)
{
    if (failing_memory_fails())
        return NULL;
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED)
        abort();
    failing_memory.mapped_bytes += (int64_t)size;
    return pages;
}

static void failing_unmap(void *pages, size_t size)
{
    failing_memory.mapped_bytes -= (int64_t)size;
    if (munmap(pages, size))
        abort();
}

/* Everything is allocated: there are no pages to be had. */
static inline void failing_memory_begin(uint64_t fail_at, bool for_good)
{
    failing_memory.asked = failing_memory.failed = 0;
    failing_memory.fail_at = fail_at;
    failing_memory.for_good = for_good;
    failing_memory.alive = failing_memory.mapped_bytes = 0;
    memory = (struct memory){.allocate = failing_allocate, .release = failing_release};
}

/* The same with pages for large arrays. */
static inline void failing_memory_begin_with_pages(uint64_t fail_at, bool for_good)
{
    failing_memory_begin(fail_at, for_good);
    memory.map = failing_map;
    memory.unmap = failing_unmap;
}

static inline void failing_memory_recover(void)
{
    failing_memory.fail_at = 0;
}

#endif
