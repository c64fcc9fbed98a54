/* An allocator for tests that counts what is alive and fails on demand. */
#ifndef TESTS_RUNTIME_FAILING_MEMORY_H
#define TESTS_RUNTIME_FAILING_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "runtime/memory.h"

static struct {
    uint64_t asked, failed;
    uint64_t fail_at; /* the n-th request from 1; 0 = none */
    bool for_good;    /* and every one after it */
    int64_t alive;
} failing_memory;

static void *failing_allocate(size_t size)
{
    uint64_t n = ++failing_memory.asked, at = failing_memory.fail_at;
    if (at && (n == at || (n > at && failing_memory.for_good))) {
        failing_memory.failed++;
        return NULL;
    }
    failing_memory.alive++;
    return calloc(1, size);
}

static void failing_release(void *block)
{
    failing_memory.alive -= block != NULL;
    free(block);
}

static inline void failing_memory_begin(uint64_t fail_at, bool for_good)
{
    failing_memory.asked = failing_memory.failed = 0;
    failing_memory.fail_at = fail_at;
    failing_memory.for_good = for_good;
    failing_memory.alive = 0;
    memory = (struct memory){.allocate = failing_allocate, .release = failing_release};
}

static inline void failing_memory_recover(void)
{
    failing_memory.fail_at = 0;
}

#endif
