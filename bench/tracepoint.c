/*
 * What a call site costs: ours (gate, record, msc_emit, LTTng) against a bare LTTng tracepoint that writes
 * the same payload, an assign with a stack of eight frames. Measures the tracepoints as it finds them, off
 * or on; bench/tracepoint.sh runs it both ways. Links the runtime itself, whose gates are hidden.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "median.h"
#include "runtime/emit.h"

#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "bench/tracepoint_bare.h"

enum {
    ROUNDS = 201,
    CALLS_ON = 2000, /* 0.5 MB: a round fits into the sub-buffers, and is drained before the next */
    CALLS_OFF = 4000000,
    DRAIN_NS = 3000000,
};

static const uintptr_t frames[8] = {0x401000, 0x401100, 0x401200, 0x401300, 0x401400, 0x401500, 0x401600, 0x401700};

static struct msc_ev_map_assign record_of(uint64_t i)
{
    return (struct msc_ev_map_assign){
        .map = 0x55d0c0ffee00,
        .map_gen = 1,
        .seq = i,
        .key_id = i,
        .rate = 1,
        .hash = i,
        .begin_ns = i,
        .end_ns = i,
        .inserted = 1,
        .version = i,
        .stack = {frames, 8},
    };
}

__attribute__((noinline, cold)) static void ours_slow(uint64_t i)
{
    struct msc_ev_map_assign record = record_of(i);
    msc_emit(MSC_EVENT_MAP_ASSIGN, &record);
}

__attribute__((noinline, cold)) static void bare_slow(uint64_t i)
{
    struct msc_ev_map_assign record = record_of(i);
    lttng_ust_do_tracepoint(mapscope_bench, assign, &record);
}

/* A call of each kind, the compiler kept from seeing more than one at a time. */
static void ours(uint64_t calls)
{
    for (uint64_t i = 0; i < calls; i++) {
        __asm__ volatile("" ::: "memory");
        if (msc_gate_on(MSC_EVENT_MAP_ASSIGN))
            ours_slow(i);
    }
}

static void bare(uint64_t calls)
{
    for (uint64_t i = 0; i < calls; i++) {
        __asm__ volatile("" ::: "memory");
        if (lttng_ust_tracepoint_enabled(mapscope_bench, assign))
            bare_slow(i);
    }
}

static void nothing(uint64_t calls)
{
    for (uint64_t i = 0; i < calls; i++)
        __asm__ volatile("" ::: "memory");
}

static double ns_per_call(void (*kind)(uint64_t), uint64_t calls)
{
    uint64_t begin_ns = clock_now_ns();
    kind(calls);
    return (double)(clock_now_ns() - begin_ns) / (double)calls;
}

/* Sleeping instead lets caches and clock go cold: half as much again a call. */
static void spin(uint64_t ns)
{
    uint64_t end_ns = clock_now_ns() + ns;
    while (clock_now_ns() < end_ns)
        ;
}

int main(void)
{
    bool on = msc_gate_on(MSC_EVENT_MAP_ASSIGN);
    if (on != (bool)lttng_ust_tracepoint_enabled(mapscope_bench, assign)) {
        fprintf(stderr, "bench/tracepoint: one of the two tracepoints is on, the other off\n");
        return EXIT_FAILURE;
    }
    uint64_t calls = on ? CALLS_ON : CALLS_OFF;
    static void (*const kinds[])(uint64_t) = {ours, bare, nothing};
    static double times[3][ROUNDS];
    for (size_t kind = 0; kind < 3; kind++)
        ns_per_call(kinds[kind], CALLS_ON); /* warms up: a thread's first event costs 20 us */
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t kind = 0; kind < 3; kind++) {
            if (on)
                spin(DRAIN_NS);
            times[kind][round] = ns_per_call(kinds[kind], calls);
        }
    }
    double ours_ns = median(times[0], ROUNDS), bare_ns = median(times[1], ROUNDS);
    printf("%-10s %10.2f %12.2f %7.2f %12.2f\n", on ? "on" : "off", ours_ns, bare_ns, ours_ns / bare_ns,
           median(times[2], ROUNDS));
    return EXIT_SUCCESS;
}
