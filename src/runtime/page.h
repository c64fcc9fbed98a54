/*
 * The shared page of this process (base/page_layout.h), at a fixed address: the pointers into it stay valid
 * whatever is mapped there.
 *
 *     at start      the header becomes a file in the folder that MAPSCOPE_PAGES names, if it is set
 *     first lock    the tables follow (page_tables): a process without locks costs a file of 4 KiB
 *     fork          the child gets an empty page and a file of its own
 *     exit          says so in the header; the file goes if there are no tables
 *
 * What cannot be a file is private memory, and the header says why (`error`). Blocks are reserved before
 * anything is mapped: a full disk cannot kill the program. The folder is reached by name, so a process that
 * gave up its rights or its root before its first lock keeps the tables to itself.
 *
 * No descriptor stays open, no thread is started. Any thread; the first use of the tables makes a few system
 * calls (0.5 ms on ext4: bench/page), all others none.
 */
#ifndef MSC_RUNTIME_PAGE_H
#define MSC_RUNTIME_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/page_layout.h"

/* Every member begins where it does in the file. */
struct page {
    union {
        struct page_header header;
        unsigned char reserved[PAGE_TABLES_OFFSET];
    };
    struct page_lock locks[PAGE_LOCKS];
    struct page_wait waits[PAGE_WAITS];
};

extern struct page page __attribute__((visibility("hidden")));

/* How much of the tables is used; for tests, which cannot fill them. */
struct page_limits {
    uint32_t locks, waits;
};
extern struct page_limits page_limits __attribute__((visibility("hidden")));

/* Makes the page of this process, with the control words as they are. `folder` NULL: private. For a constructor. */
void page_begin(const char *folder);

enum page_readiness { PAGE_UNREADY = 0, PAGE_IN_THE_MAKING = 1, PAGE_READY = 2, PAGE_LOST = 3 };
extern _Atomic int page_readiness __attribute__((visibility("hidden")));

/* Waits for another thread that makes them, at most a second. False: not available (now). */
bool page_make_tables(void);

/* To be asked before the tables are touched. */
static inline bool page_tables(void)
{
    return __builtin_expect(atomic_load_explicit(&page_readiness, memory_order_acquire) == PAGE_READY, 1) ||
           page_make_tables();
}

/* Does somebody outside see this page? Then waits are measured also if no tracer listens. */
bool page_is_shared(void);

#endif
