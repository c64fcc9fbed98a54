/* The report's section on findings: each with its operations in order, their stacks, and what to do. */
#include <inttypes.h>
#include <stdbool.h>

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

/* The same fault again: the same operations from the same places, on whatever key. */
static bool is_same_fault(const struct finding *a, const struct finding *b)
{
    if (a->kind != b->kind || a->pid != b->pid || a->map.address != b->map.address ||
        a->map.generation != b->map.generation || a->operation_count != b->operation_count)
        return false;
    for (size_t i = 0; i < a->operation_count; i++)
        if (a->operations[i].stack != b->operations[i].stack || a->operations[i].fn != b->operations[i].fn)
            return false;
    return true;
}

/* All findings of one fault, told by the first of those that are most certain. */
struct fault {
    const struct finding *example;
    uint64_t times, misses;
};

/* False if the finding at `first` repeats an earlier one. */
static bool collect_fault(const struct findings *findings, size_t first, struct fault *fault)
{
    const struct finding *finding = &findings->items[first];
    for (size_t i = 0; i < first; i++)
        if (is_same_fault(&findings->items[i], finding))
            return false;
    *fault = (struct fault){.example = finding};
    for (size_t i = first; i < findings->count; i++) {
        const struct finding *other = &findings->items[i];
        if (!is_same_fault(other, finding))
            continue;
        fault->times += other->times ? other->times : 1;
        fault->misses += other->misses;
        if (other->severity > fault->example->severity)
            fault->example = other;
    }
    return true;
}

static void write_fault(struct report *report, size_t rank, const struct fault *fault)
{
    const struct finding *finding = fault->example;
    outbuf_printf(report->out, "%s%zu. %s, %s", rank > 1 ? "\n" : "", rank, finding_kind_text(finding->kind),
                  severity_text(finding->severity));
    if (fault->times > 1)
        outbuf_printf(report->out, ", %s times; once like this:", report_number(fault->times).text);
    outbuf_char(report->out, '\n');
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
    report_heading(report, "Findings (times since the recording began)");
    size_t faults = 0;
    for (size_t i = 0; i < findings->count; i++) {
        struct fault fault;
        if (collect_fault(findings, i, &fault) && ++faults <= FAULTS_SHOWN)
            write_fault(report, faults, &fault);
    }
    if (faults > FAULTS_SHOWN)
        outbuf_printf(report->out, "\n... and %s more faults\n", report_number(faults - FAULTS_SHOWN).text);
    if (findings->dropped)
        outbuf_printf(report->out, "\n%s more findings were not kept\n", report_number(findings->dropped).text);
}
