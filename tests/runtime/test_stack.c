/*
 * Stacks against glibc's backtrace(), through modules that keep frame pointers and modules that do not.
 * The unwinder is counted on its way to libgcc, so that a test can tell which way a stack was taken.
 */
#include "support/cmocka_main.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unwind.h>

#include "descend.h"
#include "runtime/stack.h"

enum { PAGE = 4096 };

static _Atomic unsigned unwinds;

typedef _Unwind_Reason_Code unwind_fn(_Unwind_Trace_Fn step, void *argument);

/* The first call comes from the runtime's constructor: one thread. */
_Unwind_Reason_Code _Unwind_Backtrace(_Unwind_Trace_Fn step, void *argument)
{
    static unwind_fn *real;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "_Unwind_Backtrace");
    unwinds++;
    return real(step, argument);
}

/* Ours, and what backtrace() says of the same moment. */
struct taken {
    uintptr_t pcs[MSC_STACK_MAX];
    uint32_t count;
    void *expected[MSC_STACK_MAX + 16];
    int expected_count;
    unsigned unwinds; /* for ours */
};

/* Stands for a public function that hands its frame down to a slow path, by a tail call if it likes. */
__attribute__((noinline, optimize("O2"))) static void slow_path(struct taken *taken, const void *frame)
{
    unsigned before = unwinds;
    taken->count = stack_capture_from(taken->pcs, frame).count;
    taken->unwinds = unwinds - before;
}

__attribute__((noinline, optimize("O2"))) static void public_function(struct taken *taken)
{
    slow_path(taken, STACK_HERE());
}

/* backtrace() from the function `from` on: a sanitizer's own comes before. */
static int backtrace_from(void **frames, int room, const void *from)
{
    int count = backtrace(frames, room), first = 0;
    while (first < count && (uintptr_t)frames[first] - (uintptr_t)from > 4096)
        first++;
    memmove(frames, frames + first, (size_t)(count - first) * sizeof *frames);
    return count - first;
}

__attribute__((noinline)) static void leaf(void *argument)
{
    struct taken *taken = argument;
    taken->expected_count = backtrace_from(taken->expected, MSC_STACK_MAX + 16, (const void *)leaf);
    public_function(taken);
    __asm__ volatile("");
}

/* Equal from leaf()'s caller on, and first of all a place in leaf() itself. */
static void assert_same(const struct taken *taken)
{
    uint32_t expected_count = (uint32_t)taken->expected_count;
    bool is_cut = expected_count > MSC_STACK_MAX;
    if (is_cut)
        expected_count = MSC_STACK_MAX;
    assert_int_equal(taken->count, expected_count);
    assert_in_range(taken->pcs[0], (uintptr_t)leaf, (uintptr_t)leaf + 512);
    assert_int_equal(taken->pcs[expected_count - 1] == MSC_STACK_CUT, is_cut);
    for (uint32_t i = 1; i < expected_count - is_cut; i++)
        assert_int_equal(taken->pcs[i], (uintptr_t)taken->expected[i]);
}

/* A thread of the test's own, since cmocka keeps no frame pointers. */
struct in_thread {
    descend_fn *descend;
    unsigned depth;
    unsigned times;
    bool mixed; /* through the other module first */
    unsigned unwinds;
};

static void descend_again(void *argument)
{
    descend_keeping(3, leaf, argument);
}

static void *take_stacks(void *argument)
{
    struct in_thread *in_thread = argument;
    for (unsigned i = 0; i < in_thread->times; i++) {
        struct taken taken;
        memset(&taken, 0, sizeof taken);
        in_thread->descend(in_thread->depth, in_thread->mixed ? descend_again : leaf, &taken);
        assert_same(&taken);
        in_thread->unwinds += taken.unwinds;
    }
    return NULL;
}

static unsigned unwinds_in_thread(struct in_thread in_thread)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, take_stacks, &in_thread), 0);
    pthread_join(thread, NULL);
    return in_thread.unwinds;
}

static void test_the_main_thread_is_complete_to_its_start(void **state)
{
    (void)state;
    for (unsigned depth = 0; depth < 50; depth++) {
        struct taken taken;
        descend_omitting(depth % 5, leaf, &taken);
        assert_same(&taken);
        descend_keeping(depth % 5, leaf, &taken);
        assert_same(&taken);
    }
}

static void test_a_module_without_frame_pointers_is_unwound_for_ever(void **state)
{
    (void)state;
    assert_int_equal(unwinds_in_thread((struct in_thread){descend_omitting, 4, 200, false, 0}), 200);
}

static void test_a_chain_that_skips_frames_is_not_mistaken_for_a_good_one(void **state)
{
    (void)state;
    assert_int_equal(unwinds_in_thread((struct in_thread){descend_skipping, 4, 200, false, 0}), 200);
}

#ifdef __SANITIZE_THREAD__
enum { UNWOUND_OF_640 = 640 }; /* threads start in its library, which keeps no frame pointers */
#else
enum { UNWOUND_OF_640 = 10 };
#endif

static void test_a_module_with_frame_pointers_is_trusted_after_32_stacks_and_audited(void **state)
{
    (void)state;
    unwinds_in_thread((struct in_thread){descend_keeping, 4, 100, false, 0});
    assert_int_equal(unwinds_in_thread((struct in_thread){descend_keeping, 4, 640, false, 0}), UNWOUND_OF_640);
}

static void test_one_module_without_frame_pointers_redoes_the_whole_stack(void **state)
{
    (void)state;
    unwinds_in_thread((struct in_thread){descend_keeping, 4, 100, false, 0});
    assert_int_equal(unwinds_in_thread((struct in_thread){descend_omitting, 3, 50, true, 0}), 50);
}

static void test_a_deep_stack_is_cut_at_its_root_and_says_so(void **state)
{
    (void)state;
    unwinds_in_thread((struct in_thread){descend_keeping, 4, 100, false, 0});
    assert_true(unwinds_in_thread((struct in_thread){descend_keeping, 100, 64, false, 0}) <= 1);
    assert_int_equal(unwinds_in_thread((struct in_thread){descend_omitting, 100, 3, false, 0}), 3);
}

/* From stacks that just fit to stacks that just do not: none is called cut, or whole, by mistake. */
static void test_a_stack_of_exactly_so_many_frames_is_whole(void **state)
{
    (void)state;
    for (unsigned depth = MSC_STACK_MAX - 12; depth < MSC_STACK_MAX + 2; depth++) {
        unwinds_in_thread((struct in_thread){descend_keeping, depth, 2, false, 0});
        unwinds_in_thread((struct in_thread){descend_omitting, depth, 2, false, 0});
    }
}

#if defined(__x86_64__)
/* Code without unwind tables or frame pointers, as a compiler at run time makes it: nobody can get past it. */
static void test_a_stack_through_code_without_tables_is_cut_there(void **state)
{
    (void)state;
    static const unsigned char code[] = {0x55, 0x31, 0xed, 0xff,
                                         0xd6, 0x5d, 0xc3}; /* push, clear rbp; call *rsi; pop */
    unsigned char *made = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(made, MAP_FAILED);
    memcpy(made, code, sizeof code);
    struct taken taken;
    ((void (*)(void *, void (*)(void *)))(uintptr_t)made)(&taken, leaf);
    assert_true(taken.count >= 2);
    assert_int_equal(taken.pcs[taken.count - 1], MSC_STACK_CUT);
    assert_in_range(taken.pcs[0], (uintptr_t)leaf, (uintptr_t)leaf + 512);
    munmap(made, PAGE);
}
#endif

static void *errno_after_a_stack(void *out)
{
    struct taken taken;
    errno = 4321; /* the first stack of a thread asks the kernel */
    public_function(&taken);
    *(int *)out = errno;
    return NULL;
}

static void test_errno_is_kept(void **state)
{
    (void)state;
    int kept = 0;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, errno_after_a_stack, &kept), 0);
    pthread_join(thread, NULL);
    assert_int_equal(kept, 4321);
}

/* --- Frame pointers that are none ------------------------------------------------------------------------------- */

enum { THREAD_STACK = 2 << 20, COROUTINE_STACK = 65536 };

static ucontext_t outside, inside;
static struct taken in_coroutine;
static uintptr_t guard_page;

#if defined(__x86_64__)
/* Calls leaf(argument) with rbp pointing to the guard page: a stray value that passes every cheap check. */
__attribute__((naked, noinline)) static void leaf_with_stray_rbp(void *argument, uintptr_t stray)
{
    (void)argument, (void)stray;
    __asm__("push %rbp\n"
            ".cfi_adjust_cfa_offset 8\n"
            ".cfi_rel_offset %rbp, 0\n"
            "mov %rsi, %rbp\n"
            "call public_function_of_coroutine\n"
            "pop %rbp\n"
            ".cfi_adjust_cfa_offset -8\n"
            ".cfi_restore %rbp\n"
            "ret\n");
}
#else
static void leaf_with_stray_rbp(void *argument, uintptr_t stray)
{
    (void)stray;
    leaf(argument);
}
#endif

__attribute__((used, noinline)) void public_function_of_coroutine(struct taken *taken);
void public_function_of_coroutine(struct taken *taken)
{
    slow_path(taken, STACK_HERE());
    __asm__ volatile("");
}

static void *run_with_strays(void *end_of_stack)
{
    uintptr_t here = (uintptr_t)STACK_HERE(), end = (uintptr_t)end_of_stack;
    void *expected[MSC_STACK_MAX];
    int expected_count = backtrace_from(expected, MSC_STACK_MAX, (const void *)run_with_strays);
    const uintptr_t strays[] = {0, 8, here - 512, here + 4, end - 8, end, end + 8, UINTPTR_MAX - 7};
    for (size_t i = 0; i < sizeof strays / sizeof *strays; i++) {
        struct taken taken;
        leaf_with_stray_rbp(&taken, strays[i]);
        assert_in_range(taken.pcs[0], (uintptr_t)leaf_with_stray_rbp, (uintptr_t)leaf_with_stray_rbp + 64);
        assert_in_range(taken.pcs[1], (uintptr_t)run_with_strays, (uintptr_t)run_with_strays + 4096);
        assert_int_equal(taken.count, expected_count + 1);
    }
    return NULL;
}

/* [low] [a page that nobody may touch] [high]: two stacks as close as two mappings can be. */
static unsigned char *guarded_stacks(size_t low, size_t high)
{
    unsigned char *memory = mmap(NULL, low + PAGE + high, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    assert_int_equal(mprotect(memory + low, PAGE, PROT_NONE), 0);
    return memory;
}

static void run_on_stack(void *stack, void *(*run)(void *), void *argument)
{
    pthread_attr_t own;
    pthread_attr_init(&own);
    assert_int_equal(pthread_attr_setstack(&own, stack, THREAD_STACK), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, &own, run, argument), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&own);
}

static void test_a_stray_frame_pointer_is_not_followed_out_of_the_stack(void **state)
{
    (void)state;
    unsigned char *memory = guarded_stacks(THREAD_STACK, 0);
    run_on_stack(memory, run_with_strays, memory + THREAD_STACK);
    munmap(memory, THREAD_STACK + PAGE);
}

static void coroutine(void)
{
    leaf_with_stray_rbp(&in_coroutine, guard_page);
    __asm__ volatile(""); /* no tail call */
}

static void *run_coroutine(void *stack)
{
    getcontext(&inside);
    inside.uc_stack.ss_sp = stack;
    inside.uc_stack.ss_size = COROUTINE_STACK;
    inside.uc_link = &outside;
    makecontext(&inside, coroutine, 0);
    swapcontext(&outside, &inside);
    assert_true(in_coroutine.count >= 2);
    assert_in_range(in_coroutine.pcs[0], (uintptr_t)leaf_with_stray_rbp, (uintptr_t)leaf_with_stray_rbp + 64);
    assert_in_range(in_coroutine.pcs[1], (uintptr_t)coroutine, (uintptr_t)coroutine + 64);
    return NULL;
}

static void test_a_stray_frame_pointer_on_a_coroutines_stack_is_not_followed(void **state)
{
    (void)state;
    unsigned char *memory = guarded_stacks(COROUTINE_STACK, THREAD_STACK);
    guard_page = (uintptr_t)memory + COROUTINE_STACK;
    run_on_stack(memory + COROUTINE_STACK + PAGE, run_coroutine, memory);
    run_coroutine(memory); /* from the main thread */
    munmap(memory, COROUTINE_STACK + PAGE + THREAD_STACK);
}

/* Below the first thread's descriptor, without a hole in between: where the kernel puts new mappings. */
static unsigned char *memory_below_descriptor(size_t size)
{
    const int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    uintptr_t at = ((uintptr_t)pthread_self() & ~(uintptr_t)(PAGE - 1)) - size;
    for (;; at -= PAGE) {
        void *memory = mmap((void *)at, size, PROT_READ | PROT_WRITE, kind, -1, 0);
        if (memory != MAP_FAILED)
            return memory;
        mmap((void *)(at + size - PAGE), PAGE, PROT_READ, kind, -1, 0); /* or there is one */
    }
}

static void test_a_stray_frame_pointer_into_a_stack_that_was_unmapped_is_not_followed(void **state)
{
    (void)state;
    unsigned char *memory = memory_below_descriptor(2 * COROUTINE_STACK);
    guard_page = 0;
    run_coroutine(memory); /* all up to the descriptor could be read */
    munmap(memory + COROUTINE_STACK, COROUTINE_STACK);
    guard_page = (uintptr_t)memory + COROUTINE_STACK;
    run_coroutine(memory);
    munmap(memory, COROUTINE_STACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: a thread leaves a guard page below the descriptor. */
        cmocka_unit_test(test_a_stray_frame_pointer_into_a_stack_that_was_unmapped_is_not_followed),
        cmocka_unit_test(test_the_main_thread_is_complete_to_its_start),
        cmocka_unit_test(test_a_module_without_frame_pointers_is_unwound_for_ever),
        cmocka_unit_test(test_a_chain_that_skips_frames_is_not_mistaken_for_a_good_one),
        cmocka_unit_test(test_a_module_with_frame_pointers_is_trusted_after_32_stacks_and_audited),
        cmocka_unit_test(test_one_module_without_frame_pointers_redoes_the_whole_stack),
        cmocka_unit_test(test_a_deep_stack_is_cut_at_its_root_and_says_so),
        cmocka_unit_test(test_a_stack_of_exactly_so_many_frames_is_whole),
#if defined(__x86_64__)
        cmocka_unit_test(test_a_stack_through_code_without_tables_is_cut_there),
#endif
        cmocka_unit_test(test_errno_is_kept),
        cmocka_unit_test(test_a_stray_frame_pointer_is_not_followed_out_of_the_stack),
        cmocka_unit_test(test_a_stray_frame_pointer_on_a_coroutines_stack_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
