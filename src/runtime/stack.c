/*
 * See stack.h. Start reading at stack_capture_from.
 *
 *     walk_frames       the cheap way, 10-30 ns: [frame] = the caller's frame, [frame + 8] = return address
 *     walk_unwinder     the sure way, 1-3 us: libgcc, by the modules' unwind tables
 *     compare           both ways agree? Counts for or against each module that the frame pointers led out of
 *
 * A module's verdict needs TRIAL agreements and not one disagreement; a good one is audited on every
 * AUDIT-th stack. The C library keeps no frame pointers, but it is where each stack ends: the return
 * addresses that it ends with (of start_thread, or of __libc_start_call_main) are learned from complete
 * stacks as roots, so that a chain of frame pointers that meets a root is known to be complete.
 *
 * Everything shared is a table of fixed size whose entries are claimed once by compare-and-swap and never
 * given back; a full table only means that more stacks are taken the sure way.
 */
#include "runtime/stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include "runtime/thread.h"

enum {
    TRIAL = 32,              /* agreements that make a module good */
    AUDIT = 64,              /* one stack of so many is compared for ever */
    MODULES = 256,           /* power of two */
    ROOTS = 8,               /* thread, C11 thread, main program: few exist */
    TAIL_MAX = 3,            /* frames of a root and of what called it */
    LINK_MAX = 1 << 20,      /* bytes; no frame is larger */
    PAGE = 4096,             /* bytes; smaller than the real one is only slower */
    PROBE_MAX = 1024 * PAGE, /* bytes of stack to be found readable in one go */
};

/* glibc 2.35; without it the unwinder would take the loader's lock. */
extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));
extern void *__libc_stack_end; /* top of the first thread's stack, from ld.so */

struct span { /* addresses [low, high) */
    uintptr_t low, high;
};

static bool within(struct span span, uintptr_t address)
{
    return address - span.low < span.high - span.low;
}

/* --- Modules ------------------------------------------------------------------------------------------ */

enum { TRUST_NEVER = -1, TRUST_GOOD = TRIAL }; /* in between: agreements so far */

struct module {
    _Atomic uint64_t id; /* 0 = free */
    _Atomic int trust;   /* only ever read and counted: relaxed */
};

static struct module modules[MODULES];

/* A place and its module; a stack stays in one module for several frames. */
struct site {
    struct span span;
    struct module *module; /* NULL = the table is full */
};

/* Another library may be loaded where one was unloaded: hardly with the same end and the same tables. */
static uint64_t module_id(const struct dl_find_object *object)
{
    uint64_t id = (uintptr_t)object->dlfo_map_start;
    id = id * UINT64_C(0x9e3779b97f4a7c15) ^ (uintptr_t)object->dlfo_map_end;
    id = id * UINT64_C(0x9e3779b97f4a7c15) ^ (uintptr_t)object->dlfo_eh_frame;
    return id * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

static struct module *module_of(const struct dl_find_object *object)
{
    uint64_t id = module_id(object);
    for (unsigned i = 0; i < MODULES; i++) {
        struct module *module = &modules[((id >> 32) + i) % MODULES];
        uint64_t found = atomic_load_explicit(&module->id, memory_order_relaxed);
        if (found == 0)
            atomic_compare_exchange_strong_explicit(&module->id, &found, id, memory_order_relaxed,
                                                    memory_order_relaxed);
        if (found == 0 || found == id)
            return module;
    }
    return NULL;
}

/* Moves `site` to the module of `pc`. False: there is code of no module. Without the loader's help: unknown. */
static bool site_find(struct site *site, uintptr_t pc)
{
    if (!_dl_find_object || within(site->span, pc))
        return true;
    struct dl_find_object object;
    if (_dl_find_object((void *)pc, &object)) // NOLINT: looked up, not followed
        return false;
    site->span = (struct span){(uintptr_t)object.dlfo_map_start, (uintptr_t)object.dlfo_map_end};
    site->module = module_of(&object);
    return true;
}

static bool site_is_good(const struct site *site)
{
    return site->module && atomic_load_explicit(&site->module->trust, memory_order_relaxed) == TRUST_GOOD;
}

static void site_judge(struct site *site, bool agrees)
{
    if (!site->module)
        return;
    _Atomic int *trust = &site->module->trust;
    int now = atomic_load_explicit(trust, memory_order_relaxed);
    if (!agrees)
        atomic_store_explicit(trust, TRUST_NEVER, memory_order_relaxed);
    else if (now != TRUST_NEVER && now != TRUST_GOOD) /* a lost count is made up for by the next stack */
        atomic_compare_exchange_strong_explicit(trust, &now, now + 1, memory_order_relaxed, memory_order_relaxed);
}

/* --- Roots -------------------------------------------------------------------------------------------- */

struct root {
    _Atomic uintptr_t claim;         /* the first frame; 0 = free */
    _Atomic uint32_t count;          /* frames; 0 until they are written (release, pairs with acquire) */
    _Atomic uintptr_t pcs[TAIL_MAX]; /* written once, by the claimer */
};

static struct root roots[ROOTS];

/* Appends the frames from the root `pc` on, as many as fit. Returns how many there are; 0: `pc` is no root. */
static uint32_t root_append(uintptr_t pc, uintptr_t *pcs, uint32_t room)
{
    for (struct root *root = roots; root < roots + ROOTS; root++) {
        if (atomic_load_explicit(&root->claim, memory_order_relaxed) != pc)
            continue;
        uint32_t count = atomic_load_explicit(&root->count, memory_order_acquire);
        for (uint32_t i = 0; i < count && i < room; i++)
            pcs[i] = atomic_load_explicit(&root->pcs[i], memory_order_relaxed);
        return count;
    }
    return 0;
}

static void root_add(const uintptr_t *pcs, uint32_t count)
{
    for (struct root *root = roots; root < roots + ROOTS; root++) {
        uintptr_t found = 0;
        if (atomic_compare_exchange_strong_explicit(&root->claim, &found, pcs[0], memory_order_relaxed,
                                                    memory_order_relaxed)) {
            for (uint32_t i = 0; i < count; i++)
                atomic_store_explicit(&root->pcs[i], pcs[i], memory_order_relaxed);
            atomic_store_explicit(&root->count, count, memory_order_release);
            return;
        }
        if (found == pcs[0])
            return;
    }
}

static struct span c_library; /* set by the constructor */

/*
 * From a complete stack: user | start_thread, clone3, or user | __libc_start_call_main, __libc_start_main,
 * _start, the last one in the program. An exit handler's stack ends likewise but with more of the C library.
 */
static void root_learn(const uintptr_t *pcs, uint32_t count)
{
    uint32_t tail = count && within(c_library, pcs[count - 1]) ? 2 : TAIL_MAX;
    if (count <= tail || within(c_library, pcs[count - tail - 1]))
        return;
    for (uint32_t i = 0; i < 2; i++)
        if (!within(c_library, pcs[count - tail + i]))
            return;
    root_add(pcs + count - tail, tail);
}

/* --- The stack's memory -------------------------------------------------------------------------------- */

/* Known to be readable, for ever: from a frame that was walked up to the top of the thread's stack. */
static __thread struct span readable __attribute__((tls_model("initial-exec")));

/* The kernel looks at the set before it rejects the first argument; no signal mask changes. */
static bool page_is_readable(uintptr_t address)
{
    return syscall(SYS_rt_sigprocmask, ~0, address & ~(uintptr_t)(PAGE - 1), NULL, sizeof(uint64_t)) == 0 ||
           errno == EINVAL;
}

/*
 * glibc keeps a thread's descriptor at the top of its stack. The first thread's is elsewhere, below its stack
 * and just above where new mappings are put: what is below that is a coroutine's, which may be unmapped. 0 then.
 */
static uintptr_t stack_top(uintptr_t frame)
{
    uintptr_t self = (uintptr_t)pthread_self();
    if (frame >= self)
        return (uintptr_t)__libc_stack_end;
    return thread_tid() == (uint32_t)getpid() ? 0 : self;
}

/* False for a stack of another kind (a coroutine's, a signal's): there a stray pointer could hit a hole. */
static bool stack_is_readable(uintptr_t frame)
{
    if (within(readable, frame))
        return true;
    uintptr_t top = stack_top(frame);
    uintptr_t known = top == readable.high ? readable.low : top;
    if (frame >= known || known - frame > PROBE_MAX)
        return false;
    for (uintptr_t page = frame; page < known; page += PAGE)
        if (!page_is_readable(page))
            return false;
    readable = (struct span){frame, top};
    return true;
}

/* --- The two ways --------------------------------------------------------------------------------------- */

struct walk {
    uintptr_t *pcs;
    uint32_t count;
    uint32_t links;      /* frame pointers: so many of `pcs` were left by one; the rest is a root's */
    bool complete;       /* down to the start of the thread */
    bool good;           /* frame pointers: every module it led out of is good */
    uintptr_t first_cfa; /* unwinder: where the first wanted frame begins */
};

static bool is_full(const struct walk *walk)
{
    return walk->count == MSC_STACK_MAX;
}

/* What a frame pointer points to belongs to no variable that a sanitizer knows. */
#define READS_FRAMES __attribute__((no_sanitize("address", "thread")))

/* One step up: false at the end of what can be a chain. */
READS_FRAMES static bool frame_next(const uintptr_t **frame)
{
    uintptr_t here = (uintptr_t)*frame, next = (*frame)[0];
    if (next % sizeof next || next <= here || next - here > LINK_MAX || next > readable.high - 2 * sizeof next)
        return false;
    *frame = (const uintptr_t *)next; // NOLINT: that is what a frame pointer is
    return true;
}

READS_FRAMES static uintptr_t frame_pc(const uintptr_t *frame)
{
    return frame[1];
}

static void walk_frames(struct walk *walk, const uintptr_t *frame)
{
    struct site site = {{0, 0}, NULL};
    walk->good = true;
    do {
        uintptr_t pc = frame_pc(frame);
        uint32_t room = MSC_STACK_MAX - walk->count, tail = root_append(pc, walk->pcs + walk->count, room);
        walk->count += tail < room ? tail : room;
        walk->complete = tail > 0 && tail <= room;
        if (tail || !site_find(&site, pc))
            return;
        walk->pcs[walk->count++] = pc;
        walk->links = walk->count;
        walk->good = walk->good && site_is_good(&site);
    } while (!is_full(walk) && frame_next(&frame));
}

static _Unwind_Reason_Code unwinder_step(struct _Unwind_Context *context, void *argument)
{
    struct walk *walk = argument;
    uintptr_t pc = _Unwind_GetIP(context);
    if (pc == 0) {
        walk->complete = true;
        return _URC_END_OF_STACK;
    }
    if (is_full(walk))
        return _URC_END_OF_STACK;
    if (_Unwind_GetCFA(context) >= walk->first_cfa)
        walk->pcs[walk->count++] = pc;
    return _URC_NO_REASON;
}

static void walk_unwinder(struct walk *walk, const uintptr_t *frame)
{
    walk->first_cfa = (uintptr_t)(frame + 2);
    _Unwind_Backtrace(unwinder_step, walk);
    if (walk->complete)
        root_learn(walk->pcs, walk->count);
}

/* Each link led from quick[i] to quick[i + 1], out of the module of quick[i]: was it the right way? */
static void compare(const struct walk *quick, const struct walk *sure)
{
    struct site site = {{0, 0}, NULL};
    for (uint32_t i = 0; i < quick->links && i + 1 < sure->count; i++) {
        if (quick->pcs[i] != sure->pcs[i] || !site_find(&site, quick->pcs[i]))
            return;
        bool agrees = i + 1 < quick->count && quick->pcs[i + 1] == sure->pcs[i + 1];
        bool leaves = i + 2 >= sure->count || !within(site.span, sure->pcs[i + 1]);
        if (!agrees || leaves) /* a stack counts once for the frames that it has in a row in a module */
            site_judge(&site, agrees);
        if (!agrees)
            return;
    }
}

static __thread unsigned audit __attribute__((tls_model("initial-exec")));

static bool is_trusted(const struct walk *quick)
{
    return (quick->complete || is_full(quick)) && quick->good && ++audit % AUDIT != 0;
}

/* Without the unwinder nobody knows whether a chain that ended did so at the start of the thread. */
static void mark_cut(struct walk *walk)
{
    if (walk->complete || walk->count == 0 || (!_dl_find_object && !is_full(walk)))
        return;
    walk->count -= is_full(walk);
    walk->pcs[walk->count++] = MSC_STACK_CUT;
}

struct msc_stack stack_capture_from(uintptr_t pcs[MSC_STACK_MAX], const void *frame)
{
    struct walk quick = {.pcs = pcs};
    int kept_errno = errno;
    if (stack_is_readable((uintptr_t)frame))
        walk_frames(&quick, frame);
    if (_dl_find_object && !is_trusted(&quick)) {
        uintptr_t sure_pcs[MSC_STACK_MAX];
        struct walk sure = {.pcs = sure_pcs};
        walk_unwinder(&sure, frame);
        if (sure.complete || is_full(&sure))
            compare(&quick, &sure);
        if (sure.complete || sure.count > quick.count) {
            memcpy(pcs, sure_pcs, sure.count * sizeof *pcs);
            quick.count = sure.count;
            quick.complete = sure.complete;
        }
    }
    mark_cut(&quick);
    errno = kept_errno;
    return (struct msc_stack){pcs, quick.count};
}

/* The unwinder sets itself up at its first use: not within somebody's critical section. */
__attribute__((constructor(101))) static void stack_prepare(void)
{
    struct dl_find_object object;
    if (!_dl_find_object || _dl_find_object((void *)gnu_get_libc_version, &object))
        return;
    c_library = (struct span){(uintptr_t)object.dlfo_map_start, (uintptr_t)object.dlfo_map_end};
    uintptr_t pcs[MSC_STACK_MAX];
    struct walk walk = {.pcs = pcs};
    walk_unwinder(&walk, STACK_HERE());
}
