/*
 * What a stack costs: stack_capture_from through code that keeps frame pointers and through code that does
 * not, against glibc's backtrace() of as many frames at the same place. In a thread, as servers have them;
 * its last two frames are the C library's.
 */
#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/stack_descend.h"
#include "median.h"
#include "runtime/stack.h"

enum { ROUNDS = 101, STACKS = 200, LEARNING = 1000 };

/* A measurement at the end of a chain of calls. */
struct place {
    uint32_t frames; /* in all, as found */
    double ours_ns, backtrace_ns;
};

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double ours_ns(const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    double begin = now_ns();
    for (int i = 0; i < STACKS; i++)
        stack_capture_from(pcs, frame);
    return (now_ns() - begin) / STACKS;
}

static double backtrace_ns(int frames)
{
    void *pcs[MSC_STACK_MAX];
    double begin = now_ns();
    for (int i = 0; i < STACKS; i++)
        backtrace(pcs, frames);
    return (now_ns() - begin) / STACKS;
}

/* The two take turns, so that whatever disturbs the machine disturbs both. */
static void measure(void *argument)
{
    struct place *place = argument;
    uintptr_t pcs[MSC_STACK_MAX];
    double ours[ROUNDS], theirs[ROUNDS];
    for (int i = 0; i < LEARNING; i++) /* which modules keep frame pointers */
        place->frames = stack_capture_from(pcs, STACK_HERE()).count;
    for (int round = 0; round < ROUNDS; round++) {
        ours[round] = ours_ns(STACK_HERE());
        theirs[round] = backtrace_ns((int)place->frames);
    }
    place->ours_ns = median(ours, ROUNDS);
    place->backtrace_ns = median(theirs, ROUNDS);
}

static void count_frames(void *argument)
{
    uintptr_t pcs[MSC_STACK_MAX];
    *(uint32_t *)argument = stack_capture_from(pcs, STACK_HERE()).count;
}

static void compare(const char *how, stack_descend_fn *descend, uint32_t frames)
{
    uint32_t least;
    struct place place;
    descend(0, count_frames, &least);
    descend(frames - least, measure, &place);
    printf("%-22s %6u %9.0f %11.0f %8.1fx\n", how, place.frames, place.ours_ns, place.backtrace_ns,
           place.backtrace_ns / place.ours_ns);
}

static void *run(void *argument)
{
    (void)argument;
    printf("%-22s %6s %9s %11s %9s\n", "ns a stack", "frames", "ours", "backtrace()", "ratio");
    for (uint32_t frames = 10; frames <= 20; frames += 10) {
        compare("with frame pointers", stack_descend_keeping, frames);
        compare("without", stack_descend_omitting, frames);
    }
    return NULL;
}

int main(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, NULL))
        return EXIT_FAILURE;
    pthread_join(thread, NULL);
    return EXIT_SUCCESS;
}
