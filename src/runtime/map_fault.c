/* See map_fault.h. Start reading at map_fault. */
#include "runtime/map_fault.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "runtime/config.h"
#include "runtime/emit.h"
#include "runtime/stack.h"
#include "runtime/thread.h"

/* ---- the policy ---- */

/*
 * A sequence lock: odd while a policy is being set. Whoever reads a field by acquire that was stored by release also
 * sees the odd turn stored before it, and tries again.
 */
static _Atomic uint32_t policy_turn;
static _Atomic uint32_t policy_now;
static _Atomic(msc_fault_fn *) policy_fn;
static _Atomic(void *) policy_user;

static void set_policy(struct msc_fault_response response)
{
    uint32_t turn = atomic_load_explicit(&policy_turn, memory_order_relaxed) & ~1u;
    while (!atomic_compare_exchange_weak_explicit(&policy_turn, &turn, turn + 1, memory_order_acquire,
                                                  memory_order_relaxed))
        turn &= ~1u; /* another thread is at it, for an instant */
    atomic_store_explicit(&policy_now, response.policy, memory_order_release);
    atomic_store_explicit(&policy_fn, response.fn, memory_order_release);
    atomic_store_explicit(&policy_user, response.user, memory_order_release);
    atomic_store_explicit(&policy_turn, turn + 2, memory_order_release);
}

static struct msc_fault_response get_policy(void)
{
    for (;;) {
        uint32_t turn = atomic_load_explicit(&policy_turn, memory_order_acquire);
        struct msc_fault_response response = {
            .policy = (enum msc_fault_policy)atomic_load_explicit(&policy_now, memory_order_acquire),
            .fn = atomic_load_explicit(&policy_fn, memory_order_acquire),
            .user = atomic_load_explicit(&policy_user, memory_order_acquire),
        };
        if (turn % 2 == 0 && atomic_load_explicit(&policy_turn, memory_order_relaxed) == turn)
            return response;
    }
}

bool map_fault_is_response(const struct msc_fault_response *response)
{
    enum msc_fault_policy policy = response->policy;
    bool known = policy == MSC_ON_FAULT_RECORD || policy == MSC_ON_FAULT_CALL || policy == MSC_ON_FAULT_ABORT;
    return known && (policy != MSC_ON_FAULT_CALL || response->fn);
}

int msc_map_on_fault(enum msc_fault_policy policy, msc_fault_fn *fn, void *user)
{
    struct msc_fault_response response = {policy, fn, user};
    if (!map_fault_is_response(&response))
        return -EINVAL;
    set_policy(response);
    return 0;
}

/* After config's own constructor, before any of the program's. */
__attribute__((constructor(102))) static void policy_prepare(void)
{
    if (config.abort_on_fault)
        set_policy((struct msc_fault_response){.policy = MSC_ON_FAULT_ABORT});
}

/* ---- a fault ---- */

const char *msc_fault_text(enum msc_fault_kind kind)
{
    switch (kind) {
    case MSC_FAULT_CONCURRENT_WRITE:
        return "concurrent map writes";
    case MSC_FAULT_READ_WRITE:
        return "concurrent map read and map write";
    case MSC_FAULT_ITERATE_WRITE:
        return "concurrent map iteration and map write";
    case MSC_FAULT_NIL_MAP:
        return "assignment to entry in nil map";
    case MSC_FAULT_UNHASHABLE:
        return "hash of unhashable type";
    }
    return "unknown fault";
}

static int error_of(enum msc_fault_kind kind)
{
    switch (kind) {
    case MSC_FAULT_NIL_MAP:
        return -EFAULT;
    case MSC_FAULT_UNHASHABLE:
        return -EINVAL;
    default:
        return -EBUSY;
    }
}

static void trace(const struct map_fault *fault, struct msc_stack stack)
{
    struct msc_ev_map_fault event = {
        .map = (uint64_t)(uintptr_t)fault->map,
        .map_gen = fault->map_gen,
        .kind = fault->kind,
        .key_id = fault->key_id,
        .tid = thread_tid(),
        .other_tid = fault->other_tid,
        .other_pc = (uint64_t)(uintptr_t)fault->other_pc,
        .stack = stack,
    };
    msc_emit(MSC_EVENT_MAP_FAULT, &event);
}

/* A fault within the user's function is not reported to it again. */
static void call(const struct msc_fault_response *response, const struct msc_fault *fault)
{
    static __thread bool is_calling __attribute__((tls_model("initial-exec")));
    if (is_calling)
        return;
    is_calling = true;
    response->fn(response->user, fault);
    is_calling = false;
}

static void obey(const struct msc_fault_response *response, const struct map_fault *fault, struct msc_stack stack)
{
    struct msc_fault told = {
        .struct_size = sizeof told,
        .kind = fault->kind,
        .map = fault->map,
        .name = fault->name ? fault->name : "",
        .tid = thread_tid(),
        .other_tid = fault->other_tid,
        .other_pc = fault->other_pc,
        .stack = stack.pcs,
        .stack_count = stack.count,
    };
    if (response->policy == MSC_ON_FAULT_CALL) {
        call(response, &told);
        return;
    }
    map_fault_print(2, &told);
    abort();
}

int map_fault(const struct map_fault *fault, const void *frame)
{
    int kept_errno = errno;
    struct msc_fault_response response = fault->response ? *fault->response : get_policy();
    bool is_traced = msc_gate_on(MSC_EVENT_MAP_FAULT);
    if (is_traced || response.policy != MSC_ON_FAULT_RECORD) {
        uintptr_t pcs[MSC_STACK_MAX];
        struct msc_stack stack = stack_capture_from(pcs, frame);
        if (is_traced)
            trace(fault, stack);
        if (response.policy != MSC_ON_FAULT_RECORD)
            obey(&response, fault, stack);
    }
    errno = kept_errno;
    return error_of(fault->kind);
}
