/*
 * The shared page: one file a traced process, mapped by the runtime, read (and in its control words written)
 * by the collector. With docs/events.md all that the two share. It holds what no event can carry, because
 * it is true of a process that hangs or was killed: who waits where, for which lock, since when, and what
 * each lock has cost so far. docs/page.md says how to compute from it; this file is the layout.
 *
 *     offset 0        struct page_header     always there, PAGE_HEADER_SIZE bytes
 *     offset 65536    struct page_lock [PAGE_LOCKS]    only if header.tables is PAGE_TABLES_HERE: a process
 *                     struct page_wait [PAGE_WAITS]    without contention has a file of one header
 *
 * Reading beside the writer. The numbers are atomic each, not together. An entry is valid if its key word
 * (`gen` of a lock, `state` of a wait) is the same before and after the rest was read, as with a sequence
 * lock: page_lock_read and page_wait_read do that. What changes while an entry is valid are sums, each of
 * which is right by itself. A file may be anything: check the header with page_header_check, and every index.
 *
 * All times are CLOCK_MONOTONIC ns, the trace's clock. Byte order and width are the traced machine's own.
 * Frozen by PAGE_VERSION: whoever changes the layout raises it.
 */
#ifndef BASE_PAGE_LAYOUT_H
#define BASE_PAGE_LAYOUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_MAGIC UINT64_C(0x316567617063736d) /* "mscpage1" in the memory of a little-endian machine */
#define PAGE_ENDIAN UINT32_C(0x01020304)
#define PAGE_SUFFIX ".page" /* PID-BEGIN_NS.page */

enum {
    PAGE_VERSION = 3,
    PAGE_HEADER_SIZE = 4096,
    PAGE_TABLES_OFFSET = 65536, /* a multiple of every page size that Linux has */
    PAGE_LOCKS = 4096,          /* entry 0 is "[other locks]" */
    PAGE_WAITS = 1024,
    PAGE_STACK = 64,
    PAGE_NAME = 128,
    PAGE_COMM = 16,
};

enum page_state {
    PAGE_RUNNING = 0,
    PAGE_EXITED = 1, /* its exit handlers ran: what is still held is no more than abandoned */
};

enum page_tables {
    PAGE_TABLES_NONE = 0, /* no lock was contended, or made known, yet */
    PAGE_TABLES_HERE = 1,
    PAGE_TABLES_PRIVATE = 2, /* the file could not be extended: they are in the process' own memory; see `error` */
};

/* As in the event sampler_config. */
enum page_mutex_mode { PAGE_MUTEX_OFF = 0, PAGE_MUTEX_BERNOULLI = 1, PAGE_MUTEX_HYBRID = 2 };

/* Written by whoever controls the process, read by it at each use: a change is in force at once. */
struct page_control {
    _Atomic uint64_t changes; /* written last, +1: the process then emits sampler_config at its next event */
    _Atomic uint64_t mutex_fraction;
    _Atomic uint64_t mutex_rate_ns;
    _Atomic uint32_t mutex_mode; /* enum page_mutex_mode */
    _Atomic uint32_t map_rate;
    _Atomic uint32_t off; /* 1: no wait is measured */
    uint32_t reserved;
    _Atomic uint64_t map_limit; /* page_map_limit(map_rate), which is what each look-up compares with */
};

/* Hashes of keys up to it are kept: 1/rate of them. Of a rate of 0, none (one in 2^64). */
static inline uint64_t page_map_limit(uint32_t rate)
{
    return rate ? UINT64_MAX / rate : 0;
}

/* What could not be kept. */
struct page_losses {
    _Atomic uint64_t waits_unslotted;    /* waits that found no wait slot: in the totals, but without event and stack */
    _Atomic uint64_t waits_unslotted_ns; /* what they lasted */
    _Atomic uint64_t waits_unlocked;     /* waits for locks that found no entry: charged to nobody */
    _Atomic uint64_t waits_unlocked_ns;
    _Atomic uint64_t locks_unlisted; /* times that a lock found no entry */
    _Atomic uint64_t locks_evicted;  /* times that one lost its entry to another: its totals were emitted, or merged */
};

struct page_header {
    uint64_t magic; /* PAGE_MAGIC, written last */
    uint32_t version;
    uint32_t endian; /* PAGE_ENDIAN */
    uint32_t header_size;
    uint32_t pid;
    uint32_t parent;         /* pid of the process that forked this one; 0 = began with exec */
    _Atomic uint32_t state;  /* enum page_state */
    _Atomic uint32_t tables; /* enum page_tables; release, after the tables are there */
    _Atomic int32_t error;   /* errno of what kept the tables from the file; 0 = nothing did */
    uint64_t begin_ns;       /* monotonic; when this page was made */
    uint64_t begin_epoch_ns; /* the same moment, CLOCK_REALTIME */
    _Atomic uint64_t end_ns; /* 0 = not known; the process writes it at its exit, whoever saw it die otherwise */
    char comm[PAGE_COMM];    /* NUL-padded */
    uint64_t locks_offset, waits_offset, size; /* of the whole file with its tables */
    uint32_t lock_count, lock_size, wait_count, wait_size;
    struct page_control control;
    struct page_losses losses;
};

/*
 * A lock that was contended, or made known by its init. `word` and `paid_ns` are those of runtime/contention_word.h:
 * waiters in the upper 16 bits, below the sum, modulo 2^48, of the times up to which each one's waiting is settled.
 *
 * By cache lines: what a contended turn writes; what stays as it is, so that looking for a lock's entry disturbs
 * nobody; what only holders write.
 */
struct page_lock {
    _Atomic uint64_t word;
    _Atomic uint32_t tell;               /* the runtime's: wait slot of the present hold + 1; PAGE_TELL_NOTHING */
    _Atomic uint8_t is_free;             /* the last settlement was a release that left the lock free */
    _Atomic uint8_t mode;                /* of the present hold: enum msc_lock_mode */
    _Atomic uint16_t leaving;            /* the runtime's: waiters that give up at this moment */
    _Atomic uint64_t paid_ns;            /* of the waiting in the word: settled beside it */
    _Atomic uint64_t first_ns;           /* when the word ceased to be 0; 0 = it is 0, or not written yet */
    _Atomic uint64_t settled_ns;         /* last settlement since; 0 = none */
    _Atomic uint64_t handoff_of_hold_ns; /* the runtime's: settled when the present hold began */
    _Atomic uint64_t holds;              /* number of the last hold that was seen (hold_seq of the events) */
    _Atomic uint32_t holder;             /* tid; 0 = free, or not known. Right as long as somebody waits */
    _Atomic uint32_t idle_since;         /* when the word last became 0: page_coarse */

    _Atomic uint64_t gen;           /* generation, as in events; 0 = free entry, PAGE_GEN_CLAIMED = being filled */
    _Atomic uint64_t lock;          /* address; 0 with entry 0 */
    _Atomic uint64_t map, map_gen;  /* the map that it belongs to; 0 = none */
    _Atomic uint64_t site;          /* return address of its init, or of the first contended acquisition; 0 = none */
    _Atomic uint32_t kind;          /* enum msc_lock_kind */
    _Atomic uint32_t counts_ops;    /* 1: `ops` is known */
    _Atomic uint64_t vain, vain_ns; /* waits that ended without the lock, or were not in the word: seldom written */

    _Atomic uint64_t charge_ns, handoff_ns;
    _Atomic uint64_t contentions, wait_ns, max_ns; /* waits that ended with the lock */
    _Atomic uint64_t ops;                          /* acquisitions when last looked at */
    _Atomic uint64_t dropped, dropped_ns; /* of all waits that ended: without a wait slot, hence without an event */

    char name[PAGE_NAME]; /* NUL-padded */
};

#define PAGE_WORD_GONE UINT64_MAX /* the entry is being taken away from its lock */
#define PAGE_GEN_CLAIMED UINT64_MAX
#define PAGE_GEN_OTHERS (UINT64_MAX - 1) /* of entry 0 */
#define PAGE_TELL_NOTHING UINT32_MAX

enum page_wait_phase {
    PAGE_WAIT_FREE = 0,
    PAGE_WAIT_FILLING = 1,
    PAGE_WAIT_WAITING = 2, /* blocked now */
    PAGE_WAIT_ENDED = 3,   /* holds the lock, or gave up; its event goes out after its unlock */
    PAGE_WAIT_SIGNAL = 4,  /* in a condition variable's wait, not signalled yet: no contention */
};

/* A blocked acquisition. Everything but `state`, end_ns, owner and hold_seq stays as it is from PAGE_WAIT_WAITING on.
 */
struct page_wait {
    _Atomic uint64_t state; /* sequence << 8 | enum page_wait_phase */
    uint64_t gen;           /* of the lock */
    uint32_t lock;          /* its entry */
    uint32_t tid;
    uint32_t mode, kind;       /* enum msc_lock_mode, enum msc_lock_kind (of a relock: that of a condition variable) */
    _Atomic uint64_t begin_ns; /* 0 while PAGE_WAIT_SIGNAL */
    _Atomic uint64_t end_ns;
    _Atomic uint64_t hold_seq;
    _Atomic uint32_t owner;  /* tid of the holder when it began; 0 = not known */
    _Atomic uint32_t result; /* enum msc_wait_result */
    uint32_t stack_count;
    uint32_t reserved[15];
    uint64_t stack[PAGE_STACK]; /* return addresses, leaf first */
};

#define PAGE_LOCKS_OFFSET ((uint64_t)PAGE_TABLES_OFFSET)
#define PAGE_WAITS_OFFSET (PAGE_LOCKS_OFFSET + PAGE_LOCKS * sizeof(struct page_lock))
#define PAGE_SIZE_WHOLE (PAGE_WAITS_OFFSET + PAGE_WAITS * sizeof(struct page_wait))

_Static_assert(sizeof(struct page_header) <= PAGE_HEADER_SIZE, "the header fits");
_Static_assert(sizeof(struct page_lock) == 320 && offsetof(struct page_lock, gen) == 64, "frozen by PAGE_VERSION");
_Static_assert(sizeof(struct page_wait) == 640, "frozen by PAGE_VERSION");
_Static_assert(PAGE_LOCKS_OFFSET + PAGE_LOCKS * sizeof(struct page_lock) == PAGE_WAITS_OFFSET, "no gap");

/* --- The word ---------------------------------------------------------------------------------------------- */

enum { PAGE_WAITERS_SHIFT = 48, PAGE_WAITERS_MAX = 0xffff };
#define PAGE_SUM_MASK ((UINT64_C(1) << PAGE_WAITERS_SHIFT) - 1)
#define PAGE_SUM_SLACK (UINT64_C(1) << 40)

/* A time in units of 2^20 ns, modulo 2^32: 52 days. */
static inline uint32_t page_coarse(uint64_t ns)
{
    return (uint32_t)(ns >> 20);
}

static inline uint64_t page_coarse_ns(uint32_t units)
{
    return (uint64_t)units << 20;
}

static inline uint32_t page_word_waiters(uint64_t word)
{
    return (uint32_t)(word >> PAGE_WAITERS_SHIFT);
}

/*
 * The waiting up to `now_ns` that is not accounted for yet: what the present holder owes, `[still held]`. Two clocks
 * may disagree by some ns, and so may a word and what was paid beside it, if they were not read at once: what would be
 * less than 0 (by up to 18 minutes) is 0.
 */
static inline uint64_t page_word_unsettled(uint64_t word, uint64_t paid_ns, uint64_t now_ns)
{
    uint64_t owed_ns = (page_word_waiters(word) * now_ns - word - paid_ns) & PAGE_SUM_MASK;
    return owed_ns < PAGE_SUM_MASK - PAGE_SUM_SLACK ? owed_ns : 0;
}

/* --- For readers -------------------------------------------------------------------------------------------- */

/* Whether `size` bytes of a file that begin with `header` can be read as this version. Tables only if they fit. */
static inline bool page_header_check(const struct page_header *header, uint64_t size, bool *has_tables)
{
    *has_tables = atomic_load_explicit(&((struct page_header *)(uintptr_t)header)->tables, memory_order_acquire) ==
                      PAGE_TABLES_HERE &&
                  size >= PAGE_SIZE_WHOLE;
    return size >= PAGE_HEADER_SIZE && header->magic == PAGE_MAGIC && header->version == PAGE_VERSION &&
           header->endian == PAGE_ENDIAN && header->header_size == PAGE_HEADER_SIZE &&
           header->lock_count == PAGE_LOCKS && header->lock_size == sizeof(struct page_lock) &&
           header->wait_count == PAGE_WAITS && header->wait_size == sizeof(struct page_wait) &&
           header->locks_offset == PAGE_LOCKS_OFFSET && header->waits_offset == PAGE_WAITS_OFFSET;
}

static inline enum page_wait_phase page_wait_phase(uint64_t state)
{
    return (enum page_wait_phase)(state & 0xff);
}

/* What was copied was copied before what follows is loaded. The thread sanitizer knows no fences. */
static inline void page_read_fence(void)
{
#ifndef __SANITIZE_THREAD__
    atomic_thread_fence(memory_order_acquire);
#endif
}

/*
 * Copies a lock's entry, mapped or read from a file; `contentions` and `wait_ns` are of all waits that ended then.
 * False: free, or it changed hands meanwhile (try again).
 */
static inline bool page_lock_read(struct page_lock *from, struct page_lock *out)
{
    uint64_t gen = atomic_load_explicit(&from->gen, memory_order_acquire);
    if (gen == 0 || gen == PAGE_GEN_CLAIMED)
        return false;
    __builtin_memcpy((void *)out, (const void *)from, sizeof *out);
    page_read_fence();
    out->name[PAGE_NAME - 1] = '\0';
    out->contentions += out->vain;
    out->wait_ns += out->vain_ns;
    return out->word != PAGE_WORD_GONE && atomic_load_explicit(&from->gen, memory_order_relaxed) == gen;
}

/* Copies a wait; as above. `out->lock` and `out->stack_count` are in range afterwards. */
static inline bool page_wait_read(struct page_wait *from, struct page_wait *out)
{
    uint64_t state = atomic_load_explicit(&from->state, memory_order_acquire);
    if (page_wait_phase(state) < PAGE_WAIT_WAITING)
        return false;
    __builtin_memcpy((void *)out, (const void *)from, sizeof *out);
    page_read_fence();
    out->lock %= PAGE_LOCKS;
    out->stack_count = out->stack_count < PAGE_STACK ? out->stack_count : PAGE_STACK;
    return atomic_load_explicit(&from->state, memory_order_relaxed) == state;
}

#endif
