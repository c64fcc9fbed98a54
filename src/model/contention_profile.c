/* See contention_profile.h. */
#include "model/contention_profile.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "model/profile_builder.h"
#include "model/user_leaf.h"

enum { NAMELESS_MAX = 8 };

struct making {
    const struct contention_profile_input *input;
    enum contention_profile_kind kind;
    struct profile_builder *builder;
    const struct symbol_module *nameless[NAMELESS_MAX]; /* the first modules whose symbols are missing */
    size_t nameless_count;
};

/* What the kinds of profiles have in common. */
static const struct {
    const char *what, *counted, *measured;
} kinds[] = {
    [CONTENTION_PROFILE_MUTEX] = {"mutex profile: who made others wait", "contentions", "delay"},
    [CONTENTION_PROFILE_BLOCK] = {"block profile: who waited", "contentions", "delay"},
    [CONTENTION_PROFILE_HOLD] = {"hold profile: how long locks were held", "holds", "hold"},
};

struct site_list {
    const struct contention_site *sites;
    size_t count;
};

/* The sites of a lock that are in this profile. */
static struct site_list sites_of(const struct making *making, const struct contention_lock *lock)
{
    if (making->kind == CONTENTION_PROFILE_MUTEX)
        return (struct site_list){lock->releasers, lock->releaser_count};
    if (making->kind == CONTENTION_PROFILE_BLOCK)
        return (struct site_list){lock->waiters, lock->waiter_count};
    return (struct site_list){lock->holds, lock->hold_count};
}

/* The main binary */

static bool is_executable(const struct process_module *module)
{
    const char *slash = strrchr(module->path, '/');
    return slash && !strstr(slash, ".so");
}

/* comm is cut at 15 bytes. */
static bool is_named(const struct process_module *module, const struct process *process)
{
    const char *slash = strrchr(module->path, '/');
    return slash && process->name[0] && strncmp(slash + 1, process->name, strlen(process->name)) == 0;
}

/* The trace does not say which module is the program: the one called like the process, or the first no library. */
static const struct process_module *main_module(const struct process *process)
{
    const struct process_module *found = NULL;
    for (size_t i = 0; i < process->module_count; i++) {
        const struct process_module *module = &process->modules[i];
        if (!is_executable(module))
            continue;
        if (is_named(module, process))
            return module;
        if (!found)
            found = module;
    }
    return found;
}

/* Of the process with the hottest lock, or of the first. */
static void add_main(const struct making *making)
{
    const struct contention_view *view = making->input->view;
    const struct process_table *processes = making->input->processes;
    const struct process *process = view->lock_count ? process_find(processes, view->locks[0].pid) : NULL;
    if (!process && processes->count)
        process = processes->processes[0];
    const struct process_module *module = process ? main_module(process) : NULL;
    if (module)
        profile_builder_main(making->builder, process->pid, module);
}

/* Comments */

static void comment_samplers(const struct making *making)
{
    const struct contention_view *view = making->input->view;
    for (size_t i = 0; i < view->sampler_count; i++) {
        const struct contention_sampler *sampler = &view->samplers[i];
        profile_builder_comment(making->builder, "sampling: %s, n=%" PRIu64 ", R=%" PRIu64 " ns; values are un-sampled",
                                contention_sampler_text(sampler->mode), sampler->fraction, sampler->rate_ns);
    }
}

static void comment_losses(const struct making *making)
{
    const struct losses *losses = making->input->losses;
    const char *end = losses_end_text(losses->end);
    if (!losses_any(losses))
        profile_builder_comment(making->builder, "losses: none");
    else
        profile_builder_comment(
            making->builder,
            "losses: %" PRIu64 " events discarded, %" PRIu64 " packets lost, %" PRIu64 " damaged, %" PRIu64
            " streams and %" PRIu64 " traces skipped, %" PRIu64 " traces read without metadata of their own, %" PRIu64
            " waits or charges dropped by the runtime",
            losses->discarded_events, losses->lost_packets, losses->damaged_packets, losses->skipped_streams,
            losses->skipped_traces, losses->known_traces, losses->dropped_by_runtime);
    if (losses->cut_stacks)
        profile_builder_comment(making->builder, "%" PRIu64 " stacks are not complete: they begin at " STACK_CUT_NAME,
                                losses->cut_stacks);
    if (losses->unrecorded_processes)
        profile_builder_comment(making->builder,
                                "%" PRIu64 " processes were not recorded: LTTng opened no buffers for them",
                                losses->unrecorded_processes);
    if (end)
        profile_builder_comment(making->builder, "%s", end);
}

static void comment_balance(const struct making *making)
{
    const struct contention_view *view = making->input->view;
    profile_builder_comment(making->builder,
                            "conservation: charged %" PRIu64 " ns + hand-off %" PRIu64 " ns + still held %" PRIu64
                            " ns against waited %" PRIu64 " ns + still waiting %" PRIu64 " ns, difference %" PRId64
                            " ns",
                            view->charge_ns, view->handoff_ns, view->still_held_ns, view->wait_ns, view->still_wait_ns,
                            contention_view_balance(view).difference_ns);
}

static void comment_totals(const struct making *making)
{
    const struct contention_view *view = making->input->view;
    const struct contention_totals *totals = &view->totals;
    char operations[24] = "an unknown number of"; /* of a program that was killed */
    if (totals->ops && totals->ops >= totals->contentions)
        snprintf(operations, sizeof operations, "%" PRIu64, totals->ops);
    if (view->totals_count)
        profile_builder_comment(making->builder,
                                "exact totals: %" PRIu64 " contended of %s lock operations, %" PRIu64
                                " ns waited, longest %" PRIu64 " ns",
                                totals->contentions, operations, totals->wait_ns, totals->max_ns);
    else if (view->lock_count == 0)
        profile_builder_comment(making->builder, "empty: no lock events among %" PRIu64 " events of the trace",
                                making->input->losses->events);
    if (making->kind == CONTENTION_PROFILE_HOLD && view->holds == 0)
        profile_builder_comment(making->builder, "empty: holds are recorded only with mapscope record --hold");
}

/* The total with what sampling leaves open, and how far it is from what was counted without sampling. */
static void comment_interval(const struct making *making)
{
    const struct contention_view *view = making->input->view;
    const struct contention_totals *totals = &view->totals;
    bool is_mutex = making->kind == CONTENTION_PROFILE_MUTEX, is_hold = making->kind == CONTENTION_PROFILE_HOLD;
    uint64_t total_ns = is_mutex ? view->charge_ns + view->handoff_ns : is_hold ? view->held_ns : view->wait_ns;
    uint64_t exact_ns = is_mutex ? totals->charge_ns + totals->handoff_ns : totals->wait_ns; /* of what has ended */
    double variance = is_mutex ? view->mutex_variance : is_hold ? view->hold_variance : view->wait_variance;
    profile_builder_comment(making->builder, "95 %% interval: total %" PRIu64 " ns +- %" PRIu64 " ns", total_ns,
                            contention_margin(variance));
    if (view->totals_count && !is_hold) /* nobody adds up holds exactly */
        profile_builder_comment(making->builder, "control total: %" PRIu64 " ns, difference %" PRId64 " ns", exact_ns,
                                (int64_t)(total_ns - exact_ns));
}

/* Of all locks. */
struct ranked_site {
    const struct contention_lock *lock;
    const struct contention_site *site;
};

enum { RANKED_MAX = 5 };

/* `best` is in order, largest first; what falls out at its end is gone. */
static void rank(struct ranked_site *best, struct ranked_site next)
{
    for (int i = 0; i < RANKED_MAX; i++) {
        if (best[i].site && best[i].site->delay_ns >= next.site->delay_ns)
            continue;
        struct ranked_site displaced = best[i];
        best[i] = next;
        next = displaced;
        if (!next.site)
            return;
    }
}

static void comment_site(const struct making *making, int number, const struct ranked_site *ranked)
{
    char address[20];
    const struct contention_site *site = ranked->site;
    const struct symbols *symbols = making->input->symbols;
    struct stack_view stack = stacks_get(making->input->stacks, site->stack);
    struct user_leaf leaf = user_leaf_find(symbols, &stack);
    const char *function = "[unknown stack]";
    if (stack.count)
        function = symbols_resolve(symbols, stack.pid, stack.pcs[leaf.pc], stack.first_ns)->frames[leaf.frame].function;
    profile_builder_comment(
        making->builder,
        "95 %% interval: site %d: %" PRIu64 " ns +- %" PRIu64 " ns, %" PRIu64 " +- %" PRIu64 " times: %s, lock %s",
        number, site->delay_ns, contention_margin(site->delay_variance), site->count,
        contention_margin(site->count_variance), function, contention_lock_text(ranked->lock, address, sizeof address));
}

static void comment_sites(const struct making *making)
{
    const struct contention_view *view = making->input->view;
    struct ranked_site best[RANKED_MAX] = {{NULL, NULL}};
    for (size_t i = 0; i < view->lock_count; i++) {
        struct site_list list = sites_of(making, &view->locks[i]);
        for (size_t k = 0; k < list.count; k++)
            rank(best, (struct ranked_site){&view->locks[i], &list.sites[k]});
    }
    for (int i = 0; i < RANKED_MAX && best[i].site; i++)
        comment_site(making, i + 1, &best[i]);
}

/* Samples */

static void note_nameless(struct making *making, const struct symbol_module *module)
{
    if (!module || !module->reason[0] || making->nameless_count == NAMELESS_MAX)
        return;
    for (size_t i = 0; i < making->nameless_count; i++)
        if (strcmp(making->nameless[i]->path, module->path) == 0)
            return;
    making->nameless[making->nameless_count++] = module;
}

static void add_stack(struct making *making, stack_id id)
{
    const struct symbols *symbols = making->input->symbols;
    struct stack_view stack = stacks_get(making->input->stacks, id);
    struct user_leaf leaf = user_leaf_find(symbols, &stack);
    for (uint32_t pc = leaf.pc; pc < stack.count; pc++) {
        if (stack.pcs[pc] == STACK_CUT) {
            profile_builder_pseudo_frame(making->builder, STACK_CUT_NAME);
            continue;
        }
        const struct symbol_location *location = symbols_resolve(symbols, stack.pid, stack.pcs[pc], stack.first_ns);
        profile_builder_frame(making->builder, stack.pid, location, pc == leaf.pc ? leaf.frame : 0);
        note_nameless(making, location->module);
    }
}

static void label_lock(const struct making *making, const struct contention_lock *lock, uint32_t kind)
{
    char address[20], pid[12];
    const struct process *process = process_find(making->input->processes, lock->pid);
    snprintf(pid, sizeof pid, "%" PRIu32, lock->pid);
    profile_builder_label(making->builder, "lock", contention_lock_text(lock, address, sizeof address));
    profile_builder_label(making->builder, "kind", contention_kind_text(kind));
    if (lock->map[0])
        profile_builder_label(making->builder, "map", lock->map);
    profile_builder_label(making->builder, "pid", pid);
    profile_builder_number(making->builder, "pid", lock->pid); /* pprof's -tagfocus=pid=1 looks at numbers only */
    if (process && process->name[0])
        profile_builder_label(making->builder, "process", process->name);
}

static int64_t to_value(uint64_t number)
{
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static void end_sample(const struct making *making, uint64_t count, uint64_t delay_ns)
{
    profile_builder_sample(making->builder, (int64_t[]){to_value(count), to_value(delay_ns)});
}

static void add_part(struct making *making, const struct contention_lock *lock, const struct contention_site *site,
                     const struct contention_part *part, bool is_open)
{
    struct profile_builder *builder = making->builder;
    add_stack(making, site->stack);
    label_lock(making, lock, part->kind);
    profile_builder_label(builder, "mode", contention_mode_text(site->mode));
    if (part->thread[0])
        profile_builder_label(builder, "thread", part->thread);
    if (making->kind == CONTENTION_PROFILE_BLOCK) {
        profile_builder_label(builder, "result", is_open ? "still waiting" : contention_result_text(site->result));
        profile_builder_label(builder, "wait_bucket", contention_bucket_text(part->bucket));
    }
    end_sample(making, part->count, part->delay_ns);
}

/* `above`: a pseudo-frame that the stacks begin with, NULL = none. */
static void add_sites(struct making *making, const struct contention_lock *lock, struct site_list list,
                      const char *above)
{
    for (size_t i = 0; i < list.count; i++) {
        for (size_t part = 0; part < list.sites[i].part_count; part++) {
            if (above)
                profile_builder_pseudo_frame(making->builder, above);
            add_part(making, lock, &list.sites[i], &list.sites[i].parts[part], above != NULL);
        }
    }
}

/* What no release is charged. Contentions are counted at the releases: hand-off has none of its own. */
static void add_unreleased(const struct making *making, const struct contention_lock *lock)
{
    if (lock->handoff_ns) {
        profile_builder_pseudo_frame(making->builder, "[lock handoff]");
        label_lock(making, lock, lock->kind);
        end_sample(making, 0, lock->handoff_ns);
    }
    if (lock->still_held_ns) {
        profile_builder_pseudo_frame(making->builder, "[still held]");
        label_lock(making, lock, lock->kind);
        profile_builder_label(making->builder, "mode", contention_mode_text(lock->still_held_mode));
        if (lock->holder[0])
            profile_builder_label(making->builder, "thread", lock->holder);
        end_sample(making, 1, lock->still_held_ns);
    }
}

static void add_lock(struct making *making, const struct contention_lock *lock)
{
    add_sites(making, lock, sites_of(making, lock), NULL);
    if (making->kind == CONTENTION_PROFILE_MUTEX)
        add_unreleased(making, lock);
    if (making->kind == CONTENTION_PROFILE_BLOCK)
        add_sites(making, lock, (struct site_list){lock->still_waiters, lock->still_waiter_count}, "[still waiting]");
}

static void describe(const struct making *making)
{
    struct profile_builder *builder = making->builder;
    profile_builder_value_type(builder, kinds[making->kind].counted, "count");
    profile_builder_value_type(builder, kinds[making->kind].measured, "nanoseconds");
    profile_builder_default_type(builder, kinds[making->kind].measured);
    profile_builder_period(builder, kinds[making->kind].counted, "count", 1);
    profile_builder_time(builder, making->input->end_epoch_ns, making->input->duration_ns);
    profile_builder_comment(builder, "mapscope %s", kinds[making->kind].what);
    comment_totals(making);
    comment_balance(making);
    comment_interval(making);
    comment_sites(making);
    comment_samplers(making);
    for (size_t i = 0; i < making->input->view->note_count; i++)
        profile_builder_comment(builder, "note: %s", making->input->view->notes[i]);
    comment_losses(making);
}

int contention_profile_create(const struct contention_profile_input *input, enum contention_profile_kind kind,
                              struct profile **out)
{
    struct making making = {.input = input, .kind = kind};
    int error = profile_builder_create(&making.builder);
    if (error)
        return error;
    add_main(&making);
    describe(&making);
    for (size_t i = 0; i < input->view->lock_count; i++)
        add_lock(&making, &input->view->locks[i]);
    for (size_t i = 0; i < making.nameless_count; i++)
        profile_builder_comment(making.builder, "symbols: %s: %s", making.nameless[i]->path,
                                making.nameless[i]->reason);
    return profile_builder_finish(making.builder, out);
}
