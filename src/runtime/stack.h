/*
 * The calling thread's stack as return addresses, leaf first.
 *
 *     __attribute__((noinline)) int msc_thing_do(struct msc_thing *thing)
 *     {
 *         ...
 *         uintptr_t pcs[MSC_STACK_MAX];
 *         record.stack = stack_capture_from(pcs, STACK_HERE());    // first: who called msc_thing_do
 *
 * Walks the chain of frame pointers, each link checked (aligned, rising, inside the thread's readable
 * stack), and trusts the result only if every module it passed is known to keep frame pointers; otherwise
 * the stack is taken again as a whole by libgcc's unwinder, where glibc has _dl_find_object (so that it
 * takes no lock). Both ways yield the same frames, down to the C library's start of the program or thread;
 * a stack that does not get there (over 64 frames, code without unwind tables) ends in MSC_STACK_CUT.
 * Which modules keep frame pointers is learned by comparing both ways. Source: docs/architecture.md, "Stacks".
 *
 * A chain that leads astray is noticed: no frame pointer is followed out of memory that was found readable, up to the
 * top of the thread's stack. (The exception: a stack without a guard page, right above a coroutine's that was given
 * back.) libgcc checks nothing: it believes the unwind tables, as exceptions and cancellation do.
 *
 * Thread-safe, allocates nothing, takes no lock, keeps errno. Cost: bench/stack. The exception: in a program
 * that registers unwind tables itself (__register_frame, as just-in-time compilers do) libgcc 12 takes a lock
 * of its own, and allocates when it first sees a table.
 */
#ifndef MSC_RUNTIME_STACK_H
#define MSC_RUNTIME_STACK_H

#include <stdint.h>

#include "runtime/event.h"

/*
 * The frame of the function this is written in (of the one it was inlined into): what a public function
 * hands to its slow path. Stays valid across a tail call; useless once the public function returned.
 */
#define STACK_HERE() ((const void *)__builtin_frame_address(0))

/*
 * Fills `pcs` (room for MSC_STACK_MAX) and returns the view of it, starting with the return address of
 * `frame`. Exact however the functions in between were inlined.
 */
struct msc_stack stack_capture_from(uintptr_t pcs[MSC_STACK_MAX], const void *frame);

#endif
