/* See conversion.h. */
#include "fuzz/conversion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/export_input.h"
#include "collector/ctf_writer.h"
#include "collector/recording.h"
#include "exporters/chrome/chrome.h"
#include "exporters/chrome_rules.h"
#include "exporters/exporter.h"
#include "exporters/gzip_read.h"
#include "exporters/pprof/pprof_check.h"
#include "fuzz/stream_file.h"
#include "model/timeline.h"
#include "support/utf8.h"

struct memory {
    char *bytes;
    size_t size;
};

static void broken(const char *what, const char *how)
{
    fprintf(stderr, "conversion: %s: %s\n", what, how);
    abort();
}

static int append(void *self, const void *bytes, size_t size)
{
    struct memory *memory = self;
    char *grown = realloc(memory->bytes, memory->size + size + 1);
    if (!grown)
        abort();
    memcpy(grown + memory->size, bytes, size);
    memory->bytes = grown;
    memory->size += size;
    memory->bytes[memory->size] = '\0';
    return 0;
}

static char *made_folder;

static void remove_folder(void)
{
    ctf_remove_folder(made_folder);
}

const char *conversion_folder(void)
{
    if (!made_folder) {
        made_folder = ctf_make_folder();
        atexit(remove_folder);
    }
    return made_folder;
}

/* ---- the outputs ---- */

void conversion_check_profile(const char *name, const void *bytes, size_t size)
{
    char path[STREAM_PATH_SIZE];
    struct gzip_content content;
    struct pprof_verdict verdict;
    struct diag diag;
    int fd = stream_file_open(bytes, size, path);
    diag_init(&diag);
    if (gzip_read(path, &content, &diag) || pprof_check(content.bytes, content.size, PPROF_FOR_ALL, &verdict, &diag))
        broken(name, diag_text(&diag));
    if (verdict.breach_count) {
        fprintf(stderr, "%s: ", verdict.breaches[0].where);
        broken(name, verdict.breaches[0].rule->what);
    }
    gzip_content_fini(&content);
    close(fd);
}

/* For a terminal: no control characters. */
static void check_text(const char *text, size_t size)
{
    if (!utf8_is_valid(text, size))
        broken("report", "no UTF-8");
    for (size_t i = 0; i < size; i++)
        if (((unsigned char)text[i] < ' ' && text[i] != '\n') || text[i] == 0x7f)
            broken("report", "a control character");
}

static void check_timeline(const char *bytes, size_t size)
{
    struct chrome_counts counts;
    struct diag diag;
    diag_init(&diag);
    if (chrome_rules_check(bytes, size, &diag, &counts))
        broken("chrome", diag_text(&diag));
}

static void draw(struct recording *recording)
{
    struct chrome_options options = {.base_ns = recording->first_ns, .clock_offset_ns = recording->clock_offset_ns};
    struct memory memory = {0};
    struct outbuf out;
    struct chrome *chrome;
    struct timeline_check *check;
    struct diag diag;
    diag_init(&diag);
    if (outbuf_init(&out, append, &memory) || chrome_create(&out, &options, &chrome) ||
        timeline_check_create(chrome_sink(chrome), &diag, &check))
        abort();
    if (recording_draw(recording, timeline_check_sink(check), &diag) || timeline_check_finish(check) ||
        chrome_finish(chrome) || outbuf_flush(&out))
        broken("timeline", diag_text(&diag));
    check_timeline(memory.bytes, memory.size);
    timeline_check_destroy(check);
    chrome_destroy(chrome);
    outbuf_fini(&out);
    diag_fini(&diag);
    free(memory.bytes);
}

static struct memory export(const struct exporter *exporter, const struct export_input *input)
{
    struct memory memory = {0};
    struct outbuf out;
    struct diag diag;
    diag_init(&diag);
    if (outbuf_init(&out, append, &memory))
        abort();
    if (exporter->write(input, &out, &diag) || outbuf_flush(&out))
        broken(exporter->name, diag_text(&diag));
    outbuf_fini(&out);
    diag_fini(&diag);
    return memory;
}

static void check_exports(const struct recording *recording, const char *folder)
{
    static const struct exporter *const profiles[] = {&exporter_pprof_mutex, &exporter_pprof_block,
                                                      &exporter_pprof_hold};
    struct export_input input = export_input_of(recording, folder);
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        struct memory memory = export(profiles[i], &input);
        conversion_check_profile(profiles[i]->name, memory.bytes, memory.size);
        free(memory.bytes);
    }
    struct memory report = export(&exporter_report, &input);
    check_text(report.bytes, report.size);
    free(report.bytes);
}

void conversion_check(const char *folder)
{
    struct recording_options options = {.find_lost_keys = true, .keep_map_states = true};
    struct recording *recording;
    if (recording_open(folder, &options, NULL, &recording))
        return;
    draw(recording);
    check_exports(recording, folder);
    recording_close(recording);
}
