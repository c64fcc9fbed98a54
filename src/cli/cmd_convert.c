/*
 * mapscope convert: a recorded trace into profiles, a timeline and a report.
 *
 * Every output is opened before the first event is read, so that a folder that cannot be written to is
 * said at once, and put in place only when all are complete.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/convert_text.h"
#include "cli/export_input.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "collector/recording.h"
#include "exporters/chrome/chrome.h"
#include "exporters/exporter.h"
#include "exporters/gzip.h"

/* clang-format off */
static const char usage[] =
    "usage: mapscope convert DIR [OPTION...]\n"
    "\n"
    "Turns the LTTng trace in DIR (or anywhere below it) into\n"
    "\n"
    "  --pprof-mutex FILE  who made others wait for locks  (go tool pprof)\n"
    "  --pprof-block FILE  who waited                      (go tool pprof)\n"
    "  --pprof-hold FILE   how long locks were held: of a recording with --hold\n"
    "  --chrome FILE       timeline; compressed if FILE ends in .gz  (ui.perfetto.dev)\n"
    "  --report FILE       what happened, in words: lost keys, hottest locks\n"
    "\n"
    "FILE may be - for standard output. Without an option: all of them, as mutex.pb.gz,\n"
    "block.pb.gz, timeline.json.gz and report.txt in DIR, and hold.pb.gz if holds were recorded.\n"
    "\n"
    "DIR may also be a contention profile in text, of brpc or gperftools: it becomes what\n"
    "--pprof-mutex names, or its own name with .pb.gz behind it.\n"
    "\n"
    "Exit status: 0 done, 1 failed (nothing is written), 2 wrong usage. A damaged trace\n"
    "is converted as far as it can be read; what is missing is said in every output.\n";
/* clang-format on */

enum output_kind { OUTPUT_MUTEX, OUTPUT_BLOCK, OUTPUT_HOLD, OUTPUT_CHROME, OUTPUT_REPORT, OUTPUT_COUNT };

/* What stands on the command line for each kind, and what to type to look at it. */
static const struct {
    const char *option, *default_name, *open_with;
} output_kinds[OUTPUT_COUNT] = {
    [OUTPUT_MUTEX] = {"pprof-mutex", "mutex.pb.gz", "go tool pprof -top %s"},
    [OUTPUT_BLOCK] = {"pprof-block", "block.pb.gz", "go tool pprof -top %s"},
    [OUTPUT_HOLD] = {"pprof-hold", "hold.pb.gz", "go tool pprof -top %s"},
    [OUTPUT_CHROME] = {"chrome", "timeline.json.gz", "open %s in https://ui.perfetto.dev"},
    [OUTPUT_REPORT] = {"report", "report.txt", "less %s"},
};

struct output {
    char *path; /* owned; NULL = not wanted */
    struct outfile file;
};

struct conversion {
    const char *source;
    bool is_text;       /* source is a contention profile of brpc or gperftools */
    bool is_by_default; /* nothing was asked for: without holds no hold profile */
    struct output outputs[OUTPUT_COUNT];
    struct progress progress;
};

static void print_warning(void *self, const char *text)
{
    struct conversion *conversion = self;
    progress_end(&conversion->progress);
    say_warning(text);
}

static bool update_progress(void *self, uint64_t done, uint64_t total)
{
    struct conversion *conversion = self;
    return progress_update(&conversion->progress, done, total);
}

/* Before an output below it is: then the message would be about that. */
static int check_source(const char *path, struct diag *diag)
{
    struct stat status;
    if (stat(path, &status))
        return diag_errno(diag, errno, "cannot read %s", path);
    return S_ISDIR(status.st_mode)
               ? 0
               : diag_set(diag, -ENOTDIR, "%s is neither the folder of a recording nor a contention profile in text",
                          path);
}

/* A device may be named twice: it keeps nothing. */
static int check_other(const struct output *output, const struct output *earlier, struct diag *diag)
{
    bool is_kept = output->file.temporary || strcmp(output->path, "-") == 0;
    if (!is_kept || !earlier->path || strcmp(output->file.path, earlier->file.path) != 0)
        return 0;
    return diag_set(diag, -EINVAL, "%s cannot be two outputs", output->file.path);
}

static int open_outputs(struct conversion *conversion, struct diag *diag)
{
    int (*open_one)(struct outfile *, const char *, struct diag *) =
        conversion->is_by_default ? outfile_create : outfile_open;
    int error = 0;
    for (int kind = 0; kind < OUTPUT_COUNT && !error; kind++) {
        struct output *output = &conversion->outputs[kind];
        if (!output->path)
            continue;
        error = open_one(&output->file, output->path, diag);
        for (int earlier = 0; earlier < kind && !error; earlier++)
            error = check_other(output, &conversion->outputs[earlier], diag);
    }
    return error;
}

/* Puts all in place, or none: what can fail, but for a rename, comes before the first one. */
static int commit_outputs(struct conversion *conversion, struct diag *diag)
{
    int error = 0;
    for (int kind = 0; kind < OUTPUT_COUNT && !error; kind++) {
        struct output *output = &conversion->outputs[kind];
        error = output->path ? outbuf_flush(&output->file.out) : 0;
        if (error)
            diag_errno(diag, -error, "cannot write %s", output->file.path);
    }
    for (int kind = 0; kind < OUTPUT_COUNT && !error; kind++) {
        struct output *output = &conversion->outputs[kind];
        error = output->path ? outfile_commit(&output->file, diag) : 0;
    }
    return error;
}

/* Legal after any of the steps: what is committed stays. */
static void close_outputs(struct conversion *conversion)
{
    for (int kind = 0; kind < OUTPUT_COUNT; kind++) {
        outfile_abort(&conversion->outputs[kind].file);
        free(conversion->outputs[kind].path);
    }
}

static bool is_compressed(const char *path)
{
    size_t length = strlen(path);
    return length > 3 && strcmp(path + length - 3, ".gz") == 0;
}

/* The second pass, with the timeline written as it goes. */
static int write_timeline(struct recording *recording, struct outbuf *out, struct diag *diag)
{
    struct chrome_options options = {.base_ns = recording->first_ns, .clock_offset_ns = recording->clock_offset_ns};
    struct chrome *chrome;
    int error = chrome_create(out, &options, &chrome);
    if (error)
        return diag_errno(diag, -error, "cannot write the timeline");
    error = recording_draw(recording, chrome_sink(chrome), diag);
    if (!error)
        error = chrome_finish(chrome);
    chrome_destroy(chrome);
    if (out->error) /* whatever the reader says of it */
        return diag_errno(diag, -out->error, "cannot write the timeline");
    return error ? diag_wrap(diag, error, "cannot write the timeline") : 0;
}

static int write_compressed_timeline(struct recording *recording, struct outbuf *out, struct diag *diag)
{
    struct gzip *gzip;
    int error = gzip_create(out, GZIP_FAST, &gzip);
    if (error)
        return diag_errno(diag, -error, "cannot compress the timeline");
    error = write_timeline(recording, gzip_front(gzip), diag);
    int finish_error = gzip_finish(gzip);
    gzip_destroy(gzip);
    return error ? error : finish_error;
}

static int draw(struct conversion *conversion, struct recording *recording, struct diag *diag)
{
    struct output *chrome = &conversion->outputs[OUTPUT_CHROME];
    if (chrome->path && is_compressed(chrome->path))
        return write_compressed_timeline(recording, &chrome->file.out, diag);
    if (chrome->path)
        return write_timeline(recording, &chrome->file.out, diag);
    return 0;
}

static int export(struct conversion *conversion, const struct recording *recording, struct diag *diag)
{
    static const struct exporter *const exporters[OUTPUT_COUNT] = {
        [OUTPUT_MUTEX] = &exporter_pprof_mutex,
        [OUTPUT_BLOCK] = &exporter_pprof_block,
        [OUTPUT_HOLD] = &exporter_pprof_hold,
        [OUTPUT_REPORT] = &exporter_report,
    };
    struct export_input input = export_input_of(recording, conversion->source);
    input.warn = print_warning;
    input.self = conversion;
    for (int kind = 0; kind < OUTPUT_COUNT; kind++) {
        struct output *output = &conversion->outputs[kind];
        int error = output->path && exporters[kind] ? exporters[kind]->write(&input, &output->file.out, diag) : 0;
        if (error)
            return diag_wrap(diag, error, "cannot write %s", output->path);
    }
    return 0;
}

static void print_results(const struct conversion *conversion, const struct recording *recording)
{
    const struct losses *losses = &recording->losses;
    fprintf(stderr, "mapscope: %" PRIu64 " events", losses->events);
    if (losses->discarded_events || losses->lost_packets)
        fprintf(stderr, ", %" PRIu64 " lost by the tracer and %" PRIu64 " packets lost", losses->discarded_events,
                losses->lost_packets);
    if (losses->known_traces)
        fprintf(stderr, ", %" PRIu64 " processes without metadata", losses->known_traces);
    if (losses->cut_stacks)
        fprintf(stderr, ", %" PRIu64 " stacks cut", losses->cut_stacks);
    if (losses->skipped_traces)
        fprintf(stderr, ", %" PRIu64 " skipped for want of metadata", losses->skipped_traces);
    if (recording->findings.count)
        fprintf(stderr, ", %zu finding%s (see the report)", recording->findings.count,
                recording->findings.count == 1 ? "" : "s");
    fputs("\n", stderr);
    if (losses_end_text(losses->end))
        fprintf(stderr, "mapscope: warning: %s\n", losses_end_text(losses->end));
    if (!process_table_has_modules(&recording->processes))
        fputs("mapscope: warning: " PROCESS_NO_MODULES "\n", stderr);
    for (int kind = 0; kind < OUTPUT_COUNT; kind++) {
        const char *path = conversion->outputs[kind].path;
        if (!path || strcmp(path, "-") == 0)
            continue;
        const char *place = strstr(output_kinds[kind].open_with, "%s");
        fprintf(stderr, "  %.*s", (int)(place - output_kinds[kind].open_with), output_kinds[kind].open_with);
        say_path(stderr, path);
        fprintf(stderr, "%s\n", place + 2);
    }
}

static void drop_output(struct output *output)
{
    outfile_abort(&output->file);
    free(output->path);
    output->path = NULL;
}

/* A timeline names only where the user's own code calls. */
static bool shows_whole_stacks(const struct conversion *conversion)
{
    for (int kind = 0; kind < OUTPUT_COUNT; kind++)
        if (kind != OUTPUT_CHROME && conversion->outputs[kind].path)
            return true;
    return false;
}

static int convert(struct conversion *conversion, struct diag *diag)
{
    struct recording_options options = {
        .warn = print_warning,
        .progress = update_progress,
        .self = conversion,
        .find_lost_keys = conversion->outputs[OUTPUT_REPORT].path || conversion->outputs[OUTPUT_CHROME].path,
        .expect_symbols = shows_whole_stacks(conversion),
    };
    struct recording *recording;
    progress_begin(&conversion->progress, "reading");
    int error = check_source(conversion->source, diag);
    if (!error)
        error = open_outputs(conversion, diag);
    if (error)
        return error;
    error = recording_open(conversion->source, &options, diag, &recording);
    if (error)
        return error;
    if (conversion->is_by_default && !recording->contention->holds)
        drop_output(&conversion->outputs[OUTPUT_HOLD]);
    error = draw(conversion, recording, diag);
    if (!error)
        error = export(conversion, recording, diag);
    if (!error && !progress_update(&conversion->progress, 1, 1)) /* since the last event was read */
        error = -EINTR;
    progress_end(&conversion->progress);
    if (!error)
        error = commit_outputs(conversion, diag);
    if (!error)
        print_results(conversion, recording);
    recording_close(recording);
    return error;
}

/* Without an option: everything, beside the trace. */
static int use_default_outputs(struct conversion *conversion)
{
    for (int kind = 0; kind < OUTPUT_COUNT; kind++)
        if (conversion->outputs[kind].path)
            return 0;
    conversion->is_by_default = true;
    for (int kind = 0; kind < OUTPUT_COUNT; kind++) {
        char **path = &conversion->outputs[kind].path;
        if (asprintf(path, "%s/%s", conversion->source, output_kinds[kind].default_name) < 0) {
            *path = NULL;
            return -ENOMEM;
        }
    }
    return 0;
}

/* A profile in text becomes a profile, and nothing else. */
static int check_text_outputs(struct conversion *conversion)
{
    conversion->is_text = true;
    for (int kind = 0; kind < OUTPUT_COUNT; kind++)
        if (kind != OUTPUT_MUTEX && conversion->outputs[kind].path)
            return cli_usage_error("of a contention profile in text there is only --pprof-mutex", "convert");
    return 0;
}

/* Takes the command line apart. 0, or an exit status with the reason on stderr; -1 = help was wanted. */
static int parse(struct conversion *conversion, int argc, char **argv)
{
    struct option options[OUTPUT_COUNT + 2] = {{"help", no_argument, NULL, 'h'}};
    for (int kind = 0; kind < OUTPUT_COUNT; kind++)
        options[kind + 1] = (struct option){output_kinds[kind].option, required_argument, NULL, kind};
    int choice;
    while ((choice = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (choice == 'h')
            return -1;
        if (choice < 0 || choice >= OUTPUT_COUNT)
            return CLI_USAGE;
        free(conversion->outputs[choice].path);
        conversion->outputs[choice].path = strdup(optarg);
        if (!conversion->outputs[choice].path)
            return CLI_FAILED;
    }
    if (optind != argc - 1)
        return cli_usage_error("convert takes one folder with a trace in it", "convert");
    conversion->source = argv[optind];
    if (convert_text_wants(conversion->source))
        return check_text_outputs(conversion);
    return use_default_outputs(conversion) ? CLI_FAILED : 0;
}

int cmd_convert(int argc, char **argv)
{
    struct conversion conversion = {0};
    struct diag diag;
    diag_init(&diag);
    int status = parse(&conversion, argc, argv);
    int error = 0;
    if (status < 0)
        fputs(usage, stdout);
    progress_fail_writes();
    if (!status)
        error = conversion.is_text ? convert_text(conversion.source, conversion.outputs[OUTPUT_MUTEX].path, &diag)
                                   : convert(&conversion, &diag);
    if (error == -EINTR)
        diag_set(&diag, error, "interrupted: nothing is written");
    if (error) {
        progress_end(&conversion.progress);
        say_error(&diag);
        status = CLI_FAILED;
    }
    close_outputs(&conversion);
    diag_fini(&diag);
    return status < 0 ? CLI_DONE : status;
}
