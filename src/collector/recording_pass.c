/* See recording_pass.h. Start reading at read_events. */
#include "collector/recording_pass.h"

#include <errno.h>

#include "collector/decode.h"
#include "collector/known_metadata.h"
#include "collector/symbolize/symbolize.h"
#include "support/helper.h"

/* Events between two looks at the progress callback. */
enum { PROGRESS_EVENTS = 65536 };

enum { FETCHED_AHEAD = 4, FETCHED_BYTES = 256, LINE_BYTES = 64 };

/* Those that are new since the last time. */
static void expect_symbols(struct pass *pass)
{
    const struct recording *recording = pass->recording;
    size_t count = stacks_count(recording->stacks);
    while (pass->expected_stacks < count) {
        struct stack_view stack = stacks_get(recording->stacks, (stack_id)++pass->expected_stacks);
        symbolizer_expect(recording->symbolizer, &stack);
    }
}

static bool keep_going(const struct pass *pass)
{
    const struct recording_options *options = &pass->recording->options;
    if (!options->progress)
        return true;
    uint64_t done, total;
    ctf_progress(pass->reader, &done, &total);
    return options->progress(options->self, done, total);
}

/* An event was decoded on another processor, perhaps: its lines are asked for some events before. */
static void fetch(const struct ctf_entry *event)
{
    for (size_t at = 0; at < FETCHED_BYTES; at += LINE_BYTES)
        __builtin_prefetch((const char *)event + at);
}

static int apply_all(struct pass *pass, const struct ctf_entry *const *events, size_t count)
{
    int error = 0;
    for (size_t i = 0; i < count && !error; i++) {
        fetch(events[i + FETCHED_AHEAD < count ? i + FETCHED_AHEAD : i]);
        error = pass->apply(pass, decode_event(ctf_record(events[i]), events[i]->cpu));
    }
    return error;
}

/* Decodes every event of the reader and applies it. 0 at the end, or the first negative errno. */
static int read_events(struct pass *pass)
{
    const struct ctf_entry *const *events;
    size_t count, since_look = 0;
    int status, error = 0;
    while (!error && (status = ctf_next_many(pass->reader, &events, &count)) > 0) {
        if (status == CTF_LATER)
            count = PROGRESS_EVENTS;
        else
            error = apply_all(pass, events, count);
        since_look += count;
        if (!error && since_look >= PROGRESS_EVENTS) {
            error = keep_going(pass) ? 0 : -EINTR;
            since_look = 0;
        }
        if (!error && pass->expects_symbols)
            expect_symbols(pass);
    }
    return error ? error : status;
}

void pass_warn(void *self, const char *text)
{
    const struct pass *pass = self;
    const struct recording_options *options = &pass->recording->options;
    if (options->warn && !pass->is_silent)
        options->warn(options->self, text);
}

static void plan(void *self, const struct ctf_event_class *class, struct ctf_plan *plan)
{
    const struct pass *pass = self;
    decode_plan(pass->events, class, plan);
}

static int tally(void *self, const char *class_name)
{
    const struct pass *pass = self;
    enum event_kind kind = decode_kind_of(class_name);
    if (pass->events & EVENT_SET(kind) || (!pass_is_ours(kind) && kind != EVENT_OTHER))
        return CTF_DELIVER;
    return pass_is_ours(kind) ? PASS_TALLY_OURS : PASS_TALLY_OTHERS;
}

int pass_run(struct pass *pass, struct diag *diag)
{
    struct ctf_options options = {.warn = pass_warn, .plan = plan, .self = pass, .helper = pass->helper};
    if (!pass->needs_all)
        options.tally = tally;
    if (!pass->recording->capture.is_of_other_version)
        options.known = known_metadata;
    int error = ctf_open(pass->recording->path, &options, diag, &pass->reader);
    if (error)
        return error;
    error = read_events(pass);
    if (error)
        diag_errno(diag, -error, "cannot read all of %s", pass->recording->path);
    else if (!pass->is_silent)
        keep_going(pass);
    return error;
}

void pass_end(struct pass *pass)
{
    timeline_destroy(pass->timeline);
    map_analyses_destroy(pass->maps);
    contention_destroy(pass->contention);
    ctf_close(pass->reader);
    helper_destroy(pass->helper);
}
