/*
 * The report: what happened, in words, ordered by importance, at most REPORT_COLUMNS wide but for long
 * names. Start reading at write_report.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exporters/report/sections.h"

enum { PROCESSES_SHOWN = 20 };

static void write_summary(struct report *report)
{
    const struct export_input *input = report->input;
    const struct contention_view *view = input->contention;
    size_t findings = input->findings->count + report_count_deadlocks(report);
    outbuf_text(report->out, "mapscope report of ");
    report_name(report, input->source);
    outbuf_printf(report->out, "\n\n%s. %s%s for locks, %s in all. %s.\n",
                  findings ? report_count(findings, "finding").text : "No findings",
                  contention_margin(view->wait_variance) ? "About " : "", report_count(view->waits, "wait").text,
                  report_duration(view->wait_ns).text,
                  losses_any(input->losses) ? "The trace has losses" : "Nothing was lost");
}

static void write_end_time(struct report *report)
{
    time_t seconds = (time_t)(report->input->end_epoch_ns / 1000000000);
    struct tm utc;
    char text[64];
    if (gmtime_r(&seconds, &utc) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc))
        outbuf_printf(report->out, "%s until %s\n",
                      report_duration(report->input->end_ns - report->input->begin_ns).text, text);
}

static void write_recording(struct report *report)
{
    const struct process_table *processes = report->input->processes;
    report_heading(report, "Recording");
    write_end_time(report);
    outbuf_printf(report->out, "%s events, %s of them mapscope's\n", report_number(report->input->losses->events).text,
                  report_number(report->input->own_events).text);
    for (size_t i = 0; i < processes->count && i < PROCESSES_SHOWN; i++) {
        report_process(report, processes->processes[i]->pid);
        outbuf_printf(report->out, ", %s\n", report_count(processes->processes[i]->thread_count, "thread").text);
    }
    if (processes->count > PROCESSES_SHOWN)
        outbuf_printf(report->out, "... and %zu more processes\n", processes->count - PROCESSES_SHOWN);
}

static void write_loss(struct report *report, uint64_t count, const char *what)
{
    if (count)
        outbuf_printf(report->out, "%s: %s\n", what, report_number(count).text);
}

static void write_losses(struct report *report)
{
    const struct losses *losses = report->input->losses;
    report_heading(report, "Losses");
    const char *end = losses_end_text(losses->end);
    if (!losses_any(losses))
        outbuf_text(report->out, "nothing was lost\n");
    if (end)
        outbuf_printf(report->out, "%s\n", end);
    write_loss(report, losses->discarded_events, "events discarded because the tracer's buffers were full");
    write_loss(report, losses->lost_packets, "packets overwritten or never written");
    write_loss(report, losses->damaged_packets, "packets damaged and skipped");
    write_loss(report, losses->skipped_streams, "unreadable stream files skipped");
    write_loss(report, losses->skipped_traces, "traces skipped for want of usable metadata");
    write_loss(report, losses->unrecorded_processes,
               "processes not recorded, because LTTng opened no buffers for them");
    write_loss(report, losses->known_traces,
               "traces without usable metadata, read as mapscope records them: their ends may be missing");
    write_loss(report, losses->dropped_by_runtime, "waits or charges that found no slot in the traced program");
    write_loss(report, losses->cut_stacks,
               "stacks that begin at [stack cut], since they are too deep or go through code without unwind tables");
}

static bool is_repeated(const struct report *report, size_t index)
{
    const struct symbol_module *module = report->modules[index];
    for (size_t i = 0; i < index; i++)
        if (strcmp(report->modules[i]->path, module->path) == 0 &&
            strcmp(report->modules[i]->reason, module->reason) == 0)
            return true;
    return false;
}

/* Of the frames shown above: so this section comes last. */
static void write_symbols(struct report *report)
{
    size_t missing = 0;
    report_heading(report, "Symbols");
    for (size_t i = 0; i < report->module_count; i++) {
        if (report->modules[i]->reason[0] == '\0' || is_repeated(report, i))
            continue;
        report_name(report, report->modules[i]->path);
        outbuf_text(report->out, ": ");
        report_name(report, report->modules[i]->reason);
        outbuf_char(report->out, '\n');
        missing++;
    }
    if (report->unknown_frames && !process_table_has_modules(report->input->processes))
        report_paragraph(report, "", PROCESS_NO_MODULES);
    else
        write_loss(report, report->unknown_frames, "frames in no module that the trace knows");
    if (missing == 0 && report->unknown_frames == 0)
        outbuf_text(report->out, "every module shown above has its symbols\n");
}

static int write_report(const struct export_input *input, struct outbuf *out, struct diag *diag)
{
    struct report report = {.input = input, .out = out};
    write_summary(&report);
    report_deadlocks(&report);
    report_findings(&report);
    report_standstill(&report);
    report_locks(&report);
    write_recording(&report);
    write_losses(&report);
    write_symbols(&report);
    free(report.modules);
    int error = report.error ? report.error : out->error;
    return error ? diag_errno(diag, -error, "cannot write the report") : 0;
}

const struct exporter exporter_report = {"report", "report.txt", write_report};
