/* The report's section on what had not ended: circles of threads that wait for each other, and who else waits. */
#include <inttypes.h>
#include <stdbool.h>

#include "exporters/report/sections.h"

enum { CYCLES_SHOWN = 5, CYCLE_MAX = 64, LOCKS_SHOWN = 10, WAITS_SHOWN = 5, FRAMES_SHOWN = 10 };

static void write_thread(struct report *report, const struct lock_snapshot *snapshot, uint32_t tid)
{
    const struct process *process = process_find(report->input->processes, snapshot->pid);
    const char *name = process ? process_thread_name(process, tid) : "";
    outbuf_printf(report->out, "thread %" PRIu32, tid);
    if (name[0]) {
        outbuf_char(report->out, ' ');
        report_name(report, name);
    }
}

static void write_lock_title(struct report *report, const struct lock_snapshot *snapshot,
                             const struct lock_snapshot_lock *lock)
{
    char address[20];
    const struct contention_lock *known = contention_find(report->input->contention, snapshot->pid, &lock->object);
    if (known)
        report_name(report, contention_lock_text(known, address, sizeof address));
    else
        outbuf_printf(report->out, "0x%" PRIx64, lock->object.address);
}

static void write_holder(struct report *report, const struct lock_snapshot *snapshot,
                         const struct lock_snapshot_lock *lock)
{
    if (lock->holder_tid) {
        outbuf_text(report->out, ", held by ");
        write_thread(report, snapshot, lock->holder_tid);
    } else if (lock->is_free) {
        outbuf_text(report->out, ", which is free: the next owner does not run yet");
    } else {
        outbuf_text(report->out, ", held by a thread that is not known");
    }
}

static const char *how(const struct lock_snapshot_wait *wait)
{
    if (wait->kind == CONTENTION_COND)
        return wait->mode == CONTENTION_SHARED ? "waits to read again" : "waits again, after a signal,";
    return wait->mode == CONTENTION_SHARED ? "waits to read" : "waits";
}

static void write_wait(struct report *report, const struct lock_snapshot *snapshot,
                       const struct lock_snapshot_wait *wait)
{
    const struct lock_snapshot_lock *lock = &snapshot->locks[wait->lock];
    outbuf_text(report->out, "   ");
    write_thread(report, snapshot, wait->tid);
    outbuf_printf(report->out, " %s for ", how(wait));
    write_lock_title(report, snapshot, lock);
    outbuf_printf(report->out, " for %s", report_duration(wait->wait_ns).text);
    write_holder(report, snapshot, lock);
    outbuf_char(report->out, '\n');
    report_stack(report, "       ", wait->stack, FRAMES_SHOWN);
}

/* ---- circles ---- */

/* A walk over all circles: all zero at first. */
struct cycles {
    size_t next_snapshot, next_wait;
    const struct lock_snapshot *snapshot; /* of the circle */
    size_t waits[CYCLE_MAX], count;
};

/* The circle that the wait is in, if it is its first: so each is met once. */
static size_t own_cycle(const struct lock_snapshot *snapshot, size_t wait, size_t cycle[CYCLE_MAX])
{
    size_t count = lock_snapshot_cycle(snapshot, wait, cycle, CYCLE_MAX);
    for (size_t i = 0; i < count; i++)
        if (cycle[i] < wait)
            return 0;
    return count;
}

static bool next_cycle(const struct lock_snapshots *snapshots, struct cycles *cycles)
{
    for (; cycles->next_snapshot < snapshots->count; cycles->next_snapshot++, cycles->next_wait = 0) {
        cycles->snapshot = &snapshots->items[cycles->next_snapshot];
        while (cycles->next_wait < cycles->snapshot->wait_count) {
            cycles->count = own_cycle(cycles->snapshot, cycles->next_wait++, cycles->waits);
            if (cycles->count)
                return true;
        }
    }
    return false;
}

static void write_cycle(struct report *report, size_t rank, const struct cycles *cycles)
{
    bool is_alone = cycles->count == 1;
    outbuf_printf(report->out, "%s%zu. deadlock, certain\n   ", rank > 1 ? "\n" : "", rank);
    if (is_alone)
        outbuf_text(report->out, "a thread of ");
    else
        outbuf_printf(report->out, "%zu threads of ", cycles->count);
    report_process(report, cycles->snapshot->pid);
    outbuf_text(report->out, is_alone ? " waits for a lock that it holds itself\n" : " wait for each other\n");
    report_paragraph(report, "   ",
                     is_alone ? "Lock it once, or use a recursive lock."
                              : "None of them can go on. Take these locks in one order everywhere.");
    outbuf_char(report->out, '\n');
    for (size_t i = 0; i < cycles->count; i++)
        write_wait(report, cycles->snapshot, &cycles->snapshot->waits[cycles->waits[i]]);
}

void report_deadlocks(struct report *report)
{
    struct cycles cycles = {0};
    size_t found = 0;
    while (next_cycle(report->input->snapshots, &cycles)) {
        if (++found == 1)
            report_heading(report, "Deadlocks");
        if (found <= CYCLES_SHOWN)
            write_cycle(report, found, &cycles);
    }
    if (found > CYCLES_SHOWN)
        outbuf_printf(report->out, "\n... and %zu more\n", found - CYCLES_SHOWN);
}

size_t report_count_deadlocks(const struct report *report)
{
    struct cycles cycles = {0};
    size_t found = 0;
    while (next_cycle(report->input->snapshots, &cycles))
        found++;
    return found;
}

/* ---- who else waits ---- */

static size_t count_blocked(const struct lock_snapshot *snapshot, size_t lock)
{
    size_t blocked = 0;
    for (size_t i = 0; i < snapshot->wait_count; i++)
        blocked += snapshot->waits[i].lock == lock && snapshot->waits[i].state == LOCK_WAIT_BLOCKED;
    return blocked;
}

static void write_standing_lock(struct report *report, const struct lock_snapshot *snapshot, size_t index,
                                size_t blocked)
{
    const struct lock_snapshot_lock *lock = &snapshot->locks[index];
    size_t shown = 0;
    write_lock_title(report, snapshot, lock);
    outbuf_text(report->out, " of ");
    report_process(report, snapshot->pid);
    outbuf_printf(report->out, ": %s, still held: %s of their time", report_count(blocked, "wait").text,
                  report_duration(lock->owed_ns).text);
    write_holder(report, snapshot, lock);
    outbuf_char(report->out, '\n');
    for (size_t i = 0; i < snapshot->wait_count && shown < WAITS_SHOWN; i++) {
        const struct lock_snapshot_wait *wait = &snapshot->waits[i];
        if (wait->lock != index || wait->state != LOCK_WAIT_BLOCKED)
            continue;
        write_wait(report, snapshot, wait);
        shown++;
    }
    if (blocked > shown)
        outbuf_printf(report->out, "   ... and %zu more\n", blocked - shown);
}

static void write_state(struct report *report, const struct lock_snapshot *snapshot)
{
    report_process(report, snapshot->pid);
    outbuf_printf(report->out, " %s\n",
                  snapshot->has_ended ? "when it ended" : "as it runs now: ask again for how it goes on");
}

void report_standstill(struct report *report)
{
    const struct lock_snapshots *snapshots = report->input->snapshots;
    size_t found = 0;
    if (lock_snapshots_blocked(snapshots) == 0)
        return;
    report_heading(report, "Threads that still wait");
    for (size_t i = 0; i < snapshots->count; i++) {
        const struct lock_snapshot *snapshot = &snapshots->items[i];
        bool is_first = true;
        for (size_t lock = 0; lock < snapshot->lock_count; lock++) {
            size_t blocked = count_blocked(snapshot, lock);
            if (blocked == 0 || ++found > LOCKS_SHOWN)
                continue;
            if (is_first)
                write_state(report, snapshot);
            is_first = false;
            write_standing_lock(report, snapshot, lock, blocked);
        }
    }
    if (found > LOCKS_SHOWN)
        outbuf_printf(report->out, "... and %zu more locks\n", found - LOCKS_SHOWN);
}
