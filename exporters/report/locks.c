/* The report's section on locks: exact totals, conservation, and the hottest with both kinds of stacks. */
#include <inttypes.h>

#include "exporters/report/sections.h"

enum { LOCKS_SHOWN = 5, SITES_SHOWN = 3, FRAMES_SHOWN = 8 };

static void write_sampler(struct report *report, const struct contention_sampler *sampler)
{
    if (sampler->mode == CONTENTION_SAMPLER_OFF) {
        outbuf_text(report->out, "sampling: off for some or all of the time: no contention is recorded then\n");
    } else if (sampler->fraction == 1) {
        outbuf_text(report->out, "sampling: none, every contention is recorded\n");
    } else {
        outbuf_printf(report->out, "sampling: %s, 1 of %s", contention_sampler_text(sampler->mode),
                      report_number(sampler->fraction).text);
        if (sampler->rate_ns)
            outbuf_printf(report->out, " and by time: one each %s waited", report_duration(sampler->rate_ns).text);
        outbuf_char(report->out, '\n');
    }
}

/* How many operations there were is told at the end of a program: one that was killed does not get there. */
static void write_totals(struct report *report)
{
    const struct contention_view *view = report->input->contention;
    const struct contention_totals *totals = &view->totals;
    if (view->totals_count) {
        outbuf_printf(report->out, "%s contended of ", report_number(totals->contentions).text);
        if (totals->ops && totals->ops >= totals->contentions)
            outbuf_printf(report->out, "%s lock operations", report_number(totals->ops).text);
        else
            outbuf_text(report->out, "an unknown number of lock operations");
        outbuf_printf(report->out, " (exact, %zu of %zu locks)\n", view->totals_count, view->lock_count);
    }
    for (size_t i = 0; i < view->sampler_count; i++)
        write_sampler(report, &view->samplers[i]);
}

static uint64_t magnitude(int64_t number)
{
    return number < 0 ? -(uint64_t)number : (uint64_t)number;
}

/* A difference is not an error by itself: sampling, losses, and waits that the recording's end cut off make one. */
static void write_balance(struct report *report, const char *what, const struct contention_balance *balance,
                          bool is_sampled)
{
    int64_t difference_ns = balance->difference_ns;
    outbuf_printf(report->out, "%s: charged and handed off %s ns, waited %s ns", what,
                  report_number(balance->mutex_ns).text, report_number(balance->block_ns).text);
    if (difference_ns == 0)
        outbuf_text(report->out, ": they agree\n");
    else
        outbuf_printf(report->out, ": they differ by %s%s ns%s\n", difference_ns < 0 ? "-" : "",
                      report_number(magnitude(difference_ns)).text, is_sampled ? ", as samples do" : "");
}

/* " +- 1.20 ms (95 %)", or nothing where every event was kept. */
static void write_margin(struct report *report, double variance)
{
    uint64_t margin_ns = contention_margin(variance);
    if (margin_ns)
        outbuf_printf(report->out, " +- %s (95 %%)", report_duration(margin_ns).text);
}

static bool is_sampled(const struct contention_view *view)
{
    return contention_margin(view->wait_variance) || contention_margin(view->mutex_variance);
}

/* What sampling leaves open, and how far off it is by the exact totals. */
static void write_accuracy(struct report *report)
{
    const struct contention_view *view = report->input->contention;
    int64_t off_ns = (int64_t)(view->wait_ns - view->totals.wait_ns);
    if (!is_sampled(view))
        return;
    outbuf_printf(report->out, "estimated from samples: waited %s", report_duration(view->wait_ns).text);
    write_margin(report, view->wait_variance);
    outbuf_printf(report->out, ", charged and handed off %s", report_duration(view->charge_ns + view->handoff_ns).text);
    write_margin(report, view->mutex_variance);
    outbuf_char(report->out, '\n');
    if (view->totals_count)
        outbuf_printf(report->out, "of the exact total, the waits are %s too %s\n",
                      report_percent(magnitude(off_ns), view->totals.wait_ns).text, off_ns < 0 ? "few" : "many");
}

static void write_balances(struct report *report)
{
    const struct contention_view *view = report->input->contention;
    struct contention_balance sampled = contention_view_balance(view);
    struct contention_balance exact = contention_totals_balance(view);
    if (sampled.mutex_ns || sampled.block_ns)
        write_balance(report, "from the events", &sampled, is_sampled(view));
    if (exact.mutex_ns || exact.block_ns)
        write_balance(report, "exact totals", &exact, false);
    write_accuracy(report);
}

static void write_notes(struct report *report)
{
    const struct contention_view *view = report->input->contention;
    for (size_t i = 0; i < view->note_count; i++) {
        outbuf_text(report->out, "note: ");
        report_name(report, view->notes[i]);
        outbuf_char(report->out, '\n');
    }
}

static void write_site(struct report *report, const struct contention_site *site, uint64_t total_ns)
{
    outbuf_printf(report->out, "     %10s  %7s", report_duration(site->delay_ns).text,
                  report_percent(site->delay_ns, total_ns).text);
    write_margin(report, site->delay_variance);
    outbuf_printf(report->out, "  %s, longest %s", report_count(site->count, "time").text,
                  report_duration(site->max_ns).text);
    if (site->mode != CONTENTION_EXCLUSIVE)
        outbuf_printf(report->out, ", %s", contention_mode_text(site->mode));
    if (site->result != CONTENTION_ACQUIRED)
        outbuf_printf(report->out, ", %s", contention_result_text(site->result));
    outbuf_char(report->out, '\n');
    report_stack(report, "                   ", site->stack, FRAMES_SHOWN);
}

static void write_sites(struct report *report, const char *title, const struct contention_site *sites, size_t count,
                        uint64_t total_ns)
{
    if (count == 0)
        return;
    outbuf_printf(report->out, "   %s\n", title);
    for (size_t i = 0; i < count && i < SITES_SHOWN; i++)
        write_site(report, &sites[i], total_ns);
    if (count > SITES_SHOWN)
        outbuf_printf(report->out, "     ... and %zu more places\n", count - SITES_SHOWN);
}

static void write_lock(struct report *report, size_t rank, const struct contention_lock *lock)
{
    char address[20];
    uint64_t made_ns = lock->charge_ns + lock->handoff_ns + lock->still_held_ns;
    outbuf_printf(report->out, "\n%zu. ", rank);
    report_name(report, contention_lock_text(lock, address, sizeof address));
    outbuf_printf(report->out, ", a %s of ", contention_kind_text(lock->kind));
    if (lock->map[0]) {
        outbuf_text(report->out, "map ");
        report_name(report, lock->map);
        outbuf_text(report->out, " in ");
    }
    report_process(report, lock->pid);
    outbuf_printf(report->out, "\n   %s, %s in all, longest %s", report_count(lock->waits, "wait").text,
                  report_duration(lock->wait_ns).text, report_duration(lock->max_wait_ns).text);
    if (lock->has_totals)
        outbuf_printf(report->out, "; %s contended", report_number(lock->totals.contentions).text);
    if (lock->has_totals && lock->totals.ops) /* only ours count the rest */
        outbuf_printf(report->out, " of %s operations", report_number(lock->totals.ops).text);
    outbuf_char(report->out, '\n');
    if (lock->hold_events) {
        outbuf_printf(report->out, "   %s, %s in all", report_count(lock->hold_events, "hold").text,
                      report_duration(lock->held_ns).text);
        write_margin(report, lock->hold_variance);
        outbuf_char(report->out, '\n');
    }
    write_sites(report, "made others wait (where the lock was released):", lock->releasers, lock->releaser_count,
                made_ns);
    if (lock->handoff_ns)
        outbuf_printf(report->out, "     %10s  %7s  hand-off: released, but the next owner not yet running\n",
                      report_duration(lock->handoff_ns).text, report_percent(lock->handoff_ns, made_ns).text);
    if (lock->still_held_ns)
        outbuf_printf(report->out, "     %10s  %7s  still held: see the threads that still wait\n",
                      report_duration(lock->still_held_ns).text, report_percent(lock->still_held_ns, made_ns).text);
    write_sites(report, "waited:", lock->waiters, lock->waiter_count, lock->wait_ns);
    write_sites(report, "held, contended or not:", lock->holds, lock->hold_count, lock->held_ns);
}

static bool is_contended(const struct contention_lock *lock)
{
    return lock->releaser_count || lock->waiter_count || lock->handoff_ns || lock->still_held_ns;
}

void report_locks(struct report *report)
{
    const struct contention_view *view = report->input->contention;
    size_t contended = 0;
    report_heading(report, "Locks");
    if (view->lock_count == 0)
        report_paragraph(report, "",
                         "no lock events: the program used no msc_mutex while it was recorded, or their "
                         "tracepoints were not enabled");
    write_totals(report);
    write_balances(report);
    write_notes(report);
    for (; contended < view->lock_count && is_contended(&view->locks[contended]); contended++)
        if (contended < LOCKS_SHOWN)
            write_lock(report, contended + 1, &view->locks[contended]);
    if (contended > LOCKS_SHOWN)
        outbuf_printf(report->out, "\n... and %zu more contended locks\n", contended - LOCKS_SHOWN);
}
