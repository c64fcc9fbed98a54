/* See capture.h. */
#include "collector/session/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/session/pages.h"
#include "support/outbuf.h"
#include "support/utf8.h"

#define MARK "{\"mapscope\": \"" /* what every capture.json begins with */

struct capture_time capture_now(void)
{
    struct timespec epoch, monotonic;
    clock_gettime(CLOCK_REALTIME, &epoch);
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return (struct capture_time){
        .epoch_ns = (uint64_t)epoch.tv_sec * 1000000000 + (uint64_t)epoch.tv_nsec,
        .monotonic_ns = (uint64_t)monotonic.tv_sec * 1000000000 + (uint64_t)monotonic.tv_nsec,
    };
}

/* The text without its quotes. */
static void write_text(struct outbuf *out, const char *text)
{
    char *valid = utf8_sanitize(text, strlen(text));
    if (!valid) {
        out->error = out->error ? out->error : -ENOMEM;
        return;
    }
    for (const char *c = valid; *c; c++) {
        if (*c == '"' || *c == '\\')
            outbuf_char(out, '\\');
        if ((unsigned char)*c < 0x20)
            outbuf_printf(out, "\\u%04x", (unsigned)*c);
        else
            outbuf_char(out, *c);
    }
    free(valid);
}

static void write_string(struct outbuf *out, const char *text)
{
    outbuf_char(out, '"');
    write_text(out, text);
    outbuf_char(out, '"');
}

static void write_number(struct outbuf *out, bool is_known, uint64_t number)
{
    if (is_known)
        outbuf_u64(out, number);
    else
        outbuf_text(out, "null");
}

static void write_command(struct outbuf *out, const struct capture *capture)
{
    outbuf_text(out, ",\n \"command\": ");
    write_string(out, capture->argv[0]);
    outbuf_text(out, ", \"arguments\": ");
    if (!capture->with_arguments) {
        outbuf_text(out, "null");
        return;
    }
    outbuf_char(out, '[');
    for (char *const *argument = capture->argv + 1; *argument; argument++) {
        if (argument != capture->argv + 1)
            outbuf_text(out, ", ");
        write_string(out, *argument);
    }
    outbuf_char(out, ']');
}

/* As a number if it is one to JSON too. */
static void write_setting(struct outbuf *out, const char *name, size_t name_length, const char *value)
{
    size_t digits = strspn(value, "0123456789");
    bool is_number = digits && digits < 20 && !value[digits] && (value[0] != '0' || digits == 1);
    outbuf_text(out, ", \"");
    outbuf_bytes(out, name, name_length);
    outbuf_text(out, "\": ");
    if (is_number)
        outbuf_text(out, value);
    else
        write_string(out, value);
}

/* The seed stays secret: with it, keys could be guessed from their identities. */
static void write_settings(struct outbuf *out, const struct capture *capture)
{
    static const char *const names[] = {"MAPSCOPE_MAP_RATE", "MAPSCOPE_MUTEX_FRACTION", "MAPSCOPE_MUTEX_RATE",
                                        "MAPSCOPE_HOLD", "MAPSCOPE_KEYS"};
    outbuf_text(out, ",\n \"settings\": {\"ring_bytes\": ");
    outbuf_u64(out, capture->ring_bytes);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = environment_get(capture->environment, names[i]);
        if (value)
            write_setting(out, names[i], strlen(names[i]), value);
    }
    outbuf_char(out, '}');
}

static void write_time(struct outbuf *out, const char *name, struct capture_time time)
{
    outbuf_printf(out, ",\n \"%s\": {\"epoch_ns\": ", name);
    write_number(out, time.epoch_ns != 0, time.epoch_ns);
    outbuf_text(out, ", \"monotonic_ns\": ");
    write_number(out, time.epoch_ns != 0, time.monotonic_ns);
    outbuf_char(out, '}');
}

static void write_end(struct outbuf *out, const struct capture *capture)
{
    static const char *const reasons[] = {[CAPTURE_BY_PROGRAM] = "\"program\"",
                                          [CAPTURE_BY_DURATION] = "\"duration\"",
                                          [CAPTURE_BY_SIZE] = "\"size\"",
                                          [CAPTURE_BY_SIGNAL] = "\"signal\"",
                                          [CAPTURE_BY_DAEMON] = "\"daemon\""};
    int status = capture->wait_status;
    outbuf_text(out, ",\n \"ended_by\": ");
    outbuf_text(out, capture->end.epoch_ns ? reasons[capture->ended_by] : "null");
    outbuf_text(out, ", \"exit\": {\"status\": ");
    write_number(out, capture->has_exit && WIFEXITED(status), (uint64_t)WEXITSTATUS(status));
    outbuf_text(out, ", \"signal\": ");
    write_number(out, capture->has_exit && WIFSIGNALED(status), (uint64_t)WTERMSIG(status));
    outbuf_char(out, '}');
}

/* Folders that something is missing of: how many, and the first names. */
static void write_folders(struct outbuf *out, const char *what, const struct survey_names *folders)
{
    outbuf_printf(out, ",\n  \"%s\": {\"count\": ", what);
    write_number(out, folders != NULL, folders ? folders->count : 0);
    outbuf_text(out, ", \"first\": [");
    for (uint64_t i = 0; folders && i < folders->count && i < SURVEY_NAMES; i++) {
        outbuf_text(out, i ? ", " : "");
        write_string(out, folders->names[i]);
    }
    outbuf_text(out, "]}");
}

static void write_counts(struct outbuf *out, const struct survey *survey)
{
    outbuf_text(out, ",\n \"counts\": {\"processes\": ");
    write_number(out, survey != NULL, survey ? survey->processes : 0);
    outbuf_text(out, ", \"bytes\": ");
    write_number(out, survey != NULL, survey ? survey->bytes : 0);
    outbuf_char(out, '}');
}

static void write_losses(struct outbuf *out, const struct survey *survey)
{
    outbuf_text(out, ",\n \"losses\": {\"discarded_events\": ");
    write_number(out, survey != NULL, survey ? survey->discarded_events : 0);
    outbuf_text(out, ", \"lost_packets\": ");
    write_number(out, survey != NULL, survey ? survey->lost_packets : 0);
    write_folders(out, "without_buffers", survey ? &survey->without_buffers : NULL);
    write_folders(out, "without_metadata", survey ? &survey->without_metadata : NULL);
    outbuf_text(out, "}}\n");
}

int capture_write(const char *path, const struct capture *capture, struct diag *diag)
{
    static const char *const states[] = {
        [CAPTURE_RECORDING] = "recording", [CAPTURE_COMPLETE] = "complete", [CAPTURE_CUT] = "cut"};
    struct outfile file;
    int error = outfile_create(&file, path, diag);
    if (error)
        return error;
    struct outbuf *out = &file.out;
    outbuf_text(out, MARK);
    write_text(out, capture->version);
    outbuf_text(out, "\", \"lttng\": ");
    write_string(out, capture->lttng_version);
    outbuf_printf(out, ", \"state\": \"%s\"", states[capture->state]);
    write_command(out, capture);
    outbuf_text(out, ", \"pid\": ");
    write_number(out, capture->pid != 0, (uint64_t)capture->pid);
    outbuf_text(out, ",\n \"daemon\": ");
    write_string(out, capture->place);
    write_settings(out, capture);
    outbuf_text(out, ",\n \"pages\": ");
    outbuf_text(out, environment_get(capture->environment, "MAPSCOPE_PAGES") ? "\"" PAGES_NAME "\"" : "null");
    write_time(out, "begin", capture->begin);
    write_time(out, "end", capture->end);
    write_end(out, capture);
    write_counts(out, capture->survey);
    write_losses(out, capture->survey);
    return outfile_commit(&file, diag);
}

bool capture_is_ours(const char *path)
{
    char head[sizeof MARK - 1];
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_ours = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && read(fd, head, sizeof head) == sizeof head &&
                   memcmp(head, MARK, sizeof head) == 0;
    close(fd);
    return is_ours;
}
