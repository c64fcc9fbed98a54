/* See lock_table.h. */
#include "collector/lock_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/lock_title.h"
#include "collector/ctf/ctf.h"
#include "collector/decode.h"
#include "collector/page.h"
#include "collector/page_list.h"
#include "collector/process_maps.h"
#include "collector/symbolize/symbolize.h"
#include "support/vec.h"

/* What names are looked up in. */
struct names {
    struct process_table processes;
    struct symbolizer *symbolizer;
    struct symbols symbols;
};

/* ---- who the processes are ---- */

static int tally(void *self, const char *class_name)
{
    (void)self;
    return EVENT_SET(decode_kind_of(class_name)) & PROCESS_EVENTS ? CTF_DELIVER : 0;
}

static void plan(void *self, const struct ctf_event_class *class, struct ctf_plan *plan)
{
    (void)self;
    decode_plan(PROCESS_EVENTS, class, plan);
}

/* What the trace says of processes; nothing where there is none to be read. */
static int read_trace(const char *folder, struct process_table *processes)
{
    struct ctf_options options = {.plan = plan, .tally = tally};
    struct ctf_reader *reader;
    struct ctf_event raw;
    int error = 0, status;
    if (ctf_open(folder, &options, NULL, &reader))
        return 0;
    while (!error && (status = ctf_next(reader, &raw)) > 0)
        error = status == CTF_LATER ? 0 : process_table_apply(processes, decode_event(raw.record, raw.cpu));
    ctf_close(reader);
    return error;
}

/* `folder` NULL = none: the target is a process. */
static int learn_names(struct names *names, const char *folder, const struct lock_snapshots *snapshots)
{
    bool has_ended = false;
    int error = 0;
    for (size_t i = 0; i < snapshots->count && error != -ENOMEM; i++) {
        if (snapshots->items[i].has_ended)
            has_ended = true;
        else
            error = process_maps_read(&names->processes, snapshots->items[i].pid);
    }
    if (error == -ENOMEM || !has_ended || !folder)
        return error == -ENOMEM ? error : 0;
    return read_trace(folder, &names->processes);
}

/* ---- rows ---- */

static void copy_name(char out[17], const char *name)
{
    snprintf(out, 17, "%s", name);
}

static const struct lock_snapshot_wait *oldest_wait(const struct lock_snapshot *snapshot, size_t lock)
{
    for (size_t i = 0; i < snapshot->wait_count; i++)
        if (snapshot->waits[i].lock == lock && snapshot->waits[i].state != LOCK_WAIT_SIGNAL)
            return &snapshot->waits[i];
    return NULL;
}

static char *title_of(const struct names *names, const struct lock_snapshot *snapshot, size_t index)
{
    const struct lock_snapshot_lock *lock = &snapshot->locks[index];
    const struct lock_snapshot_wait *wait = oldest_wait(snapshot, index);
    struct lock_title_input input = {.symbols = &names->symbols,
                                     .pid = snapshot->pid,
                                     .address = lock->object.address,
                                     .name = lock->name,
                                     .site = lock->site,
                                     .time_ns = snapshot->at_ns};
    if (wait)
        input.stack = (struct stack_view){
            .pid = snapshot->pid, .first_ns = snapshot->at_ns, .pcs = wait->pcs, .count = wait->pc_count};
    return lock_title(&input);
}

static void add_waits(struct lock_table_row *row, const struct lock_snapshot *snapshot, size_t lock)
{
    for (size_t i = 0; i < snapshot->wait_count; i++) {
        const struct lock_snapshot_wait *wait = &snapshot->waits[i];
        if (wait->lock != lock || wait->state != LOCK_WAIT_BLOCKED)
            continue;
        row->contentions++;
        row->wait_ns += wait->wait_ns;
        row->longest_ns = wait->wait_ns > row->longest_ns ? wait->wait_ns : row->longest_ns;
    }
}

static int add_row(struct lock_table *table, const struct names *names, const struct lock_snapshot *snapshot,
                   size_t index)
{
    const struct lock_snapshot_lock *lock = &snapshot->locks[index];
    const struct process *process = process_find(&names->processes, snapshot->pid);
    struct lock_table_row row = {.pid = snapshot->pid,
                                 .kind = lock->kind,
                                 .process_has_ended = snapshot->has_ended,
                                 .waiters = lock->waiters,
                                 .holder_tid = lock->waiters ? lock->holder_tid : 0,
                                 .longest_ns = lock->totals.max_ns,
                                 .contentions = lock->totals.contentions,
                                 .wait_ns = lock->totals.wait_ns};
    add_waits(&row, snapshot, index);
    if (row.contentions == 0 && row.waiters == 0)
        return 0;
    copy_name(row.process, snapshot->comm);
    copy_name(row.holder, process && row.holder_tid ? process_thread_name(process, row.holder_tid) : "");
    row.title = title_of(names, snapshot, index);
    if (!row.title || VEC_RESERVE(table->rows, table->count, table->capacity, 1)) {
        free(row.title);
        return -ENOMEM;
    }
    table->rows[table->count++] = row;
    return 0;
}

static int by_heat(const void *left, const void *right)
{
    const struct lock_table_row *a = left, *b = right;
    if (a->waiters != b->waiters)
        return a->waiters < b->waiters ? 1 : -1;
    if (a->wait_ns != b->wait_ns)
        return a->wait_ns < b->wait_ns ? 1 : -1;
    return strcmp(a->title, b->title);
}

static int add_snapshot(struct lock_table *table, const struct names *names, const struct lock_snapshot *snapshot)
{
    int error = 0;
    table->processes++;
    table->running += !snapshot->has_ended;
    table->locks += snapshot->lock_count;
    table->lost_waits += snapshot->lost_waits;
    table->evicted += snapshot->evicted;
    for (size_t i = 0; i < snapshot->lock_count && !error; i++)
        error = add_row(table, names, snapshot, i);
    return error;
}

static int fill(struct lock_table *table, const char *folder, const struct lock_snapshots *snapshots)
{
    struct names names = {.symbolizer = NULL};
    process_table_init(&names.processes);
    int error = symbolizer_create(&names.processes, &names.symbolizer);
    if (!error)
        error = learn_names(&names, folder, snapshots);
    if (!error)
        names.symbols = symbolizer_symbols(names.symbolizer);
    for (size_t i = 0; i < snapshots->count && !error; i++)
        error = add_snapshot(table, &names, &snapshots->items[i]);
    if (!error && table->count)
        qsort(table->rows, table->count, sizeof *table->rows, by_heat);
    symbolizer_destroy(names.symbolizer);
    process_table_fini(&names.processes);
    return error;
}

/* ---- the pages ---- */

static bool is_pid(const char *target)
{
    return target[0] && !target[strspn(target, "0123456789")];
}

static int read_process(const char *target, struct lock_snapshots *out, struct diag *diag)
{
    char *path;
    unsigned long pid = strtoul(target, NULL, 10);
    int error = page_path_of(pid > INT32_MAX ? INT32_MAX : (pid_t)pid, &path);
    if (error == -ESRCH)
        return diag_set(diag, error, "there is no process %s", target);
    if (error == -ENOENT)
        return diag_set(diag, -ENODATA,
                        "process %s has no shared page: it was not started by mapscope record (nor with "
                        "MAPSCOPE_PAGES=FOLDER), or uses no libmapscope",
                        target);
    if (error)
        return diag_errno(diag, -error, "cannot look at process %s", target);
    error = VEC_RESERVE(out->items, out->count, out->capacity, 1);
    if (!error)
        error = page_read(path, 0, &out->items[0], diag);
    out->count = !error;
    free(path);
    return error;
}

static int read_recording(const char *folder, struct lock_snapshots *out, struct diag *diag)
{
    int error = page_read_all(folder, 0, out, NULL, NULL, diag);
    if (!error && out->count == 0)
        error = diag_set(diag, -ENODATA,
                         "%s has no shared pages: it is no recording of mapscope record, or nothing that ran in it "
                         "uses libmapscope",
                         folder);
    return error;
}

int lock_table_read(const char *target, struct lock_table *out, struct diag *diag)
{
    struct lock_snapshots snapshots = {0};
    struct lock_table table = {0};
    bool is_process = is_pid(target);
    int error = is_process ? read_process(target, &snapshots, diag) : read_recording(target, &snapshots, diag);
    if (!error) {
        error = fill(&table, is_process ? NULL : target, &snapshots);
        if (error)
            diag_errno(diag, -error, "cannot name the locks of %s", target);
    }
    lock_snapshots_fini(&snapshots);
    if (error)
        lock_table_fini(&table);
    else
        *out = table;
    return error;
}

void lock_table_fini(struct lock_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->rows[i].title);
    free(table->rows);
    *table = (struct lock_table){0};
}
