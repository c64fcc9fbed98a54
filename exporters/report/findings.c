/* The report's section on findings: each with its operations in order, their stacks, and what to do. */
#include <inttypes.h>

#include "exporters/report/faults.h"
#include "exporters/report/sections.h"

enum { FAULTS_SHOWN = 20, FRAMES_SHOWN = 10 };

static const char *severity_text(enum finding_severity severity)
{
    switch (severity) {
    case FINDING_SUSPECTED:
        return "suspected";
    case FINDING_CERTAIN:
        return "certain";
    }
    return "unknown";
}

static void write_key(struct report *report, const struct finding *finding)
{
    if (!finding->key && !finding->key_id)
        return;
    outbuf_text(report->out, "key ");
    if (finding->key) {
        report_name(report, finding->key);
        outbuf_printf(report->out, " (id 0x%" PRIx64 ")", finding->key_id);
    } else {
        outbuf_printf(report->out, "id 0x%" PRIx64, finding->key_id);
    }
    outbuf_text(report->out, finding->map.address ? " of " : " ");
}

static void write_what(struct report *report, const struct finding *finding)
{
    outbuf_text(report->out, "   ");
    write_key(report, finding);
    if (finding->map_name[0]) {
        outbuf_text(report->out, "map ");
        report_name(report, finding->map_name);
        outbuf_printf(report->out, " (0x%" PRIx64 ") ", finding->map.address);
    } else if (finding->map.address) {
        outbuf_printf(report->out, "map 0x%" PRIx64 " ", finding->map.address);
    }
    outbuf_text(report->out, "in ");
    report_process(report, finding->pid);
    outbuf_char(report->out, '\n');
}

static void write_thread(struct report *report, uint32_t pid, uint32_t tid)
{
    const struct process *process = process_find(report->input->processes, pid);
    const char *name = process ? process_thread_name(process, tid) : "";
    outbuf_printf(report->out, "  thread %" PRIu32, tid);
    if (name[0]) {
        outbuf_char(report->out, ' ');
        report_name(report, name);
    }
}

static void write_operation(struct report *report, const struct finding_operation *operation)
{
    uint64_t start_ns = report->input->begin_ns;
    uint64_t since_ns = operation->begin_ns > start_ns ? operation->begin_ns - start_ns : 0;
    outbuf_printf(report->out, "   +%s  %s", report_since(since_ns).text, operation->verb);
    if (operation->fn) {
        outbuf_char(report->out, ' ');
        report_function(report, operation->pid, operation->fn, operation->begin_ns);
    }
    write_thread(report, operation->pid, operation->tid);
    if (operation->version)
        outbuf_printf(report->out, "  version %" PRIu64, operation->version);
    outbuf_char(report->out, '\n');
    report_stack(report, "       ", operation->stack, FRAMES_SHOWN);
}

static void write_fault(struct report *report, size_t rank, const struct fault *fault)
{
    const struct finding *finding = fault->example;
    outbuf_printf(report->out, "%s%zu. %s, %s", rank > 1 ? "\n" : "", rank, finding_kind_text(finding->kind),
                  severity_text(finding->severity));
    if (fault->times > 1)
        outbuf_printf(report->out, ", %s times", report_number(fault->times).text);
    if (fault->processes > 1)
        outbuf_printf(report->out, " in %s processes", report_number(fault->processes).text);
    outbuf_text(report->out, fault->times > 1 ? "; once like this:\n" : "\n");
    write_what(report, finding);
    report_paragraph(report, "   ", finding->sentence);
    if (finding->figures)
        report_paragraph(report, "   ", finding->figures);
    outbuf_char(report->out, '\n');
    for (size_t i = 0; i < finding->operation_count; i++)
        write_operation(report, &finding->operations[i]);
    if (fault->misses)
        outbuf_printf(report->out, "   %s of the key failed afterwards%s\n",
                      report_count(fault->misses, "look-up").text, fault->times > 1 ? " in all" : "");
}

void report_findings(struct report *report)
{
    const struct findings *findings = report->input->findings;
    if (findings->count == 0)
        return;
    struct faults faults;
    report->error = faults_collect(report->input, &faults);
    if (report->error)
        return;
    report_heading(report, "Findings (times since the recording began)");
    for (size_t i = 0; i < faults.count && i < FAULTS_SHOWN; i++)
        write_fault(report, i + 1, &faults.items[i]);
    if (faults.count > FAULTS_SHOWN)
        outbuf_printf(report->out, "\n... and %s more faults\n", report_number(faults.count - FAULTS_SHOWN).text);
    if (findings->dropped)
        outbuf_printf(report->out, "\n%s more findings were not kept\n", report_number(findings->dropped).text);
    faults_fini(&faults);
}
