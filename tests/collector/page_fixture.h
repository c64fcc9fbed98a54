/*
 * A shared page as the runtime leaves it, for the tests of its readers: thread 11 holds "table" and waits for
 * "queue", thread 12 holds "queue" and waits for "table", thread 13 waits for "table" too. As of 5000 ns.
 */
#ifndef TESTS_PAGE_FIXTURE_H
#define TESTS_PAGE_FIXTURE_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/page_layout.h"

enum { PAGE_PID = 700, TABLE = 3, QUEUE = 7, OF_TABLE_12 = 0, OF_TABLE_13 = 1, OF_QUEUE_11 = 5 };

static inline struct page_header *page_fixture_header(unsigned char *page)
{
    return (struct page_header *)(void *)page;
}

static inline struct page_lock *page_fixture_lock(unsigned char *page, size_t index)
{
    return (struct page_lock *)(void *)(page + PAGE_LOCKS_OFFSET) + index;
}

static inline struct page_wait *page_fixture_wait(unsigned char *page, size_t index)
{
    return (struct page_wait *)(void *)(page + PAGE_WAITS_OFFSET) + index;
}

static inline void page_fixture_put_lock(unsigned char *page, size_t index, const char *name, uint32_t holder)
{
    struct page_lock *lock = page_fixture_lock(page, index);
    lock->gen = index * 100;
    lock->lock = 0x7000 + index;
    lock->holder = holder;
    lock->contentions = 4;
    lock->wait_ns = 400;
    lock->charge_ns = 300;
    lock->handoff_ns = 100;
    lock->max_ns = 200;
    strcpy(lock->name, name);
}

/* The thread begins to wait. */
static inline void page_fixture_put_wait(unsigned char *page, size_t index, size_t lock, uint32_t tid,
                                         uint64_t begin_ns)
{
    struct page_wait *wait = page_fixture_wait(page, index);
    struct page_lock *of = page_fixture_lock(page, lock);
    wait->lock = (uint32_t)lock;
    wait->gen = of->gen;
    wait->tid = tid;
    wait->begin_ns = begin_ns;
    wait->owner = of->holder;
    wait->stack_count = 2;
    wait->stack[0] = 0x401111 + index;
    wait->stack[1] = 0x401999;
    wait->state = 0x100 | PAGE_WAIT_WAITING;
    of->word += (UINT64_C(1) << PAGE_WAITERS_SHIFT) + begin_ns;
    if (!of->first_ns)
        of->first_ns = begin_ns;
}

/* PAGE_SIZE_WHOLE bytes, to be freed. */
static inline unsigned char *page_fixture_create(void)
{
    unsigned char *page = calloc(1, PAGE_SIZE_WHOLE);
    struct page_header header = {.magic = PAGE_MAGIC,
                                 .version = PAGE_VERSION,
                                 .endian = PAGE_ENDIAN,
                                 .header_size = PAGE_HEADER_SIZE,
                                 .pid = PAGE_PID,
                                 .tables = PAGE_TABLES_HERE,
                                 .begin_ns = 1000,
                                 .begin_epoch_ns = 1700000000000001000,
                                 .end_ns = 5000,
                                 .comm = "server",
                                 .locks_offset = PAGE_LOCKS_OFFSET,
                                 .waits_offset = PAGE_WAITS_OFFSET,
                                 .size = PAGE_SIZE_WHOLE,
                                 .lock_count = PAGE_LOCKS,
                                 .lock_size = sizeof(struct page_lock),
                                 .wait_count = PAGE_WAITS,
                                 .wait_size = sizeof(struct page_wait)};
    if (!page)
        abort();
    memcpy(page, (void *)&header, sizeof header);
    page_fixture_put_lock(page, TABLE, "table", 11);
    page_fixture_put_lock(page, QUEUE, "queue", 12);
    page_fixture_put_wait(page, OF_TABLE_12, TABLE, 12, 2000);
    page_fixture_put_wait(page, OF_TABLE_13, TABLE, 13, 3000);
    page_fixture_put_wait(page, OF_QUEUE_11, QUEUE, 11, 1500);
    return page;
}

#endif
