/* See thread.h. */
#include "runtime/thread.h"

#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/emit.h"
#include "runtime/forks.h"

enum { KEYS_WITHOUT_MALLOC = 32 }; /* glibc keeps the values of the first keys in the thread itself */

__thread struct thread_state thread_self;
__thread volatile int msc_guard;
_Atomic uint32_t thread_forks;
_Atomic uint32_t thread_names;

static pthread_key_t exit_key;
static bool exit_key_usable;

static _Atomic uint64_t ordinals; /* only uniqueness counts: relaxed */

uint32_t thread_ask_tid(void)
{
    return thread_self.tid = (uint32_t)syscall(SYS_gettid);
}

/* The tid is no good for the high half: the kernel gives the tid of a thread that ended to a new one. */
uint64_t thread_unique_id(void)
{
    uint64_t id = thread_self.last_id + 1;
    if ((uint32_t)id <= 1) /* the first one, or 2^32 later */
        id = (atomic_fetch_add_explicit(&ordinals, 1, memory_order_relaxed) + 1) << 32 | 1;
    return thread_self.last_id = id;
}

/* Asks for the name. False: it is what was said before. */
static bool take_name(void)
{
    char name[THREAD_NAME_SIZE] = "";
    prctl(PR_GET_NAME, name);
    thread_self.names = atomic_load_explicit(&thread_names, memory_order_relaxed);
    if (strncmp(name, thread_self.name, sizeof name) == 0)
        return false;
    memcpy(thread_self.name, name, sizeof name);
    return true;
}

static void emit_thread(enum msc_event event, uint32_t creator, uint64_t start)
{
    struct msc_ev_thread record = {.name = thread_self.name, .creator = creator, .start = start};
    msc_emit(event, &record);
}

bool thread_introduce(uint32_t creator, uint64_t start)
{
    uint32_t audience = emit_audience_now();
    if (thread_self.audience == audience || !msc_gate_on(MSC_EVENT_THREAD_START))
        return false;
    thread_self.audience = audience; /* first: emitting comes through here again */
    if (exit_key_usable)
        pthread_setspecific(exit_key, &thread_self);
    take_name();
    emit_thread(MSC_EVENT_THREAD_START, creator, start);
    return true;
}

void thread_announce(void)
{
    if (thread_self.audience != emit_audience_now())
        thread_introduce(0, 0);
    else if (thread_self.names != atomic_load_explicit(&thread_names, memory_order_relaxed) && take_name() &&
             msc_gate_on(MSC_EVENT_THREAD_START))
        emit_thread(MSC_EVENT_THREAD_START, 0, 0);
}

static void at_thread_exit(void *announced)
{
    (void)announced;
    take_name(); /* it may have been changed unseen */
    if (msc_gate_on(MSC_EVENT_THREAD_EXIT))
        emit_thread(MSC_EVENT_THREAD_EXIT, 0, 0);
}

static void in_child(void)
{
    thread_ask_tid();
    thread_self.audience = 0;
    atomic_fetch_add_explicit(&thread_forks, 1, memory_order_relaxed);
}

static struct fork_handler fork_handler = {.in_child = in_child};

/* Early, so that the key is among the first ones. */
__attribute__((constructor(101))) static void thread_prepare(void)
{
    thread_ask_tid();
    exit_key_usable = pthread_key_create(&exit_key, at_thread_exit) == 0 && exit_key < KEYS_WITHOUT_MALLOC;
    forks_at_child(&fork_handler);
}
