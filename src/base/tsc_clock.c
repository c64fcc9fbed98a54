/* See tsc_clock.h. Start reading at tsc_line_draw. */
#include "base/tsc_clock.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

static const uint64_t every_ns = 5000000, meets_after_ns = 20000000, line_ns = 50000000, anchors_ns = 500000000;
static const int64_t step_ns = 100000;

struct tsc_line tsc_clock_line __attribute__((aligned(64)));
_Atomic uint64_t tsc_clock_next_ns = UINT64_MAX;

/* --- Lines --------------------------------------------------------------------------------------------------- */

/* Release: after `changes` became odd. */
static void store(_Atomic uint64_t *field, uint64_t value)
{
    atomic_store_explicit(field, value, memory_order_release);
}

/* ns a tick since the anchor; 0 = that is now. */
static uint64_t pace(const struct tsc_drawer *drawer, const struct tsc_look *look)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t ticks = look->tsc - drawer->anchor.tsc, ns = look->ns - drawer->anchor.ns;
    return ticks ? (uint64_t)(((wide)ns << TSC_RATE_SHIFT) / ticks) : 0;
}

static void move_anchors(struct tsc_drawer *drawer, const struct tsc_look *look, bool anew)
{
    if (anew) {
        drawer->anchor = drawer->second = *look;
    } else if (look->ns - drawer->second.ns > anchors_ns) {
        drawer->anchor = drawer->second;
        drawer->second = *look;
    }
    drawer->last = *look;
}

/* Of a line that is `ahead_ns` of the other clock, with the same pace from now on: the rate at which they meet. */
static uint64_t rate_to_meet(uint64_t rate, int64_t ahead_ns)
{
    return rate - (uint64_t)((int64_t)rate / (int64_t)meets_after_ns * ahead_ns);
}

/* Nobody reads a line that is being drawn, so nobody is ahead of the moment at which the next one begins. */
uint64_t tsc_line_draw(struct tsc_line *line, struct tsc_drawer *drawer, tsc_look_fn *look_now)
{
    uint32_t changes = atomic_load_explicit(&line->changes, memory_order_relaxed);
    atomic_store_explicit(&line->changes, changes + 1, memory_order_relaxed);
    struct tsc_look look = look_now();
    uint64_t ticks = look.tsc - tsc_line_load(&line->from_tsc), from_ns = look.ns;
    bool goes_on = ticks < tsc_line_load(&line->ticks);
    if (goes_on)
        from_ns = tsc_line_along(line, ticks);
    int64_t ahead_ns = (int64_t)(from_ns - look.ns);
    bool is_off = look.ns - drawer->last.ns > line_ns || ahead_ns > step_ns || ahead_ns < -step_ns;
    move_anchors(drawer, &look, is_off);
    uint64_t rate = pace(drawer, &look);
    store(&line->from_tsc, look.tsc);
    store(&line->from_ns, from_ns);
    store(&line->rate, rate_to_meet(rate, ahead_ns));
    store(&line->ticks, rate ? (line_ns << TSC_RATE_SHIFT) / rate : 0);
    atomic_store_explicit(&line->changes, changes + 2, memory_order_release);
    return look.ns;
}

/* --- The clock ----------------------------------------------------------------------------------------------- */

static struct tsc_drawer drawer;
static atomic_flag is_drawing = ATOMIC_FLAG_INIT;

/* Of some looks the shortest: whoever was interrupted in between has seen two moments. */
static struct tsc_look look_now(void)
{
    enum { LOOKS = 4 };
    struct tsc_look best = {0, 0};
    uint64_t best_ticks = UINT64_MAX;
    for (int i = 0; i < LOOKS; i++) {
        clock_fence();
        uint64_t before = tsc_clock_ticks(), ns = clock_monotonic_ns();
        clock_fence();
        uint64_t ticks = tsc_clock_ticks() - before;
        if (ticks < best_ticks)
            best = (struct tsc_look){before + ticks / 2, ns};
        best_ticks = ticks < best_ticks ? ticks : best_ticks;
    }
    return best;
}

void tsc_clock_draw(void)
{
    if (atomic_flag_test_and_set_explicit(&is_drawing, memory_order_acquire))
        return;
    uint64_t now_ns = tsc_line_draw(&tsc_clock_line, &drawer, look_now);
    atomic_store_explicit(&tsc_clock_next_ns, now_ns + every_ns, memory_order_relaxed);
    atomic_flag_clear_explicit(&is_drawing, memory_order_release);
}

static bool counter_is_invariant(void)
{
#ifdef __x86_64__
    enum { POWER_LEAF = 0x80000007, INVARIANT = 1 << 8 };
    unsigned a, b, c, d;
    return __get_cpuid(POWER_LEAF, &a, &b, &c, &d) && (d & INVARIANT);
#else
    return false;
#endif
}

static bool kernel_uses_counter(void)
{
    char name[8] = {0};
    int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, name, sizeof name - 1);
    close(fd);
    return got > 0 && strcmp(name, "tsc\n") == 0;
}

/* Another thread of the parent's may have been drawing. */
void tsc_clock_forget(void)
{
    if (tsc_line_load(&tsc_clock_next_ns) == UINT64_MAX)
        return;
    atomic_store_explicit(&tsc_clock_line.changes, 0, memory_order_relaxed);
    store(&tsc_clock_line.ticks, 0);
    drawer = (struct tsc_drawer){0};
    atomic_store_explicit(&tsc_clock_next_ns, 0, memory_order_relaxed);
    atomic_flag_clear_explicit(&is_drawing, memory_order_relaxed);
}

void tsc_clock_prepare(void)
{
    if (counter_is_invariant() && kernel_uses_counter())
        atomic_store_explicit(&tsc_clock_next_ns, 0, memory_order_relaxed);
}
