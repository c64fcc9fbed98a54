/* See outbuf.h. */
#include "support/outbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024, DIGITS_MAX = 20 };

int outbuf_init(struct outbuf *out, outbuf_drain_fn *drain, void *self)
{
    char *bytes = malloc(BUFFER_BYTES);
    if (!bytes)
        return -ENOMEM;
    *out = (struct outbuf){.drain = drain, .self = self, .bytes = bytes, .capacity = BUFFER_BYTES};
    return 0;
}

void outbuf_fini(struct outbuf *out)
{
    free(out->bytes);
    out->bytes = NULL;
}

static void drain(struct outbuf *out, const void *bytes, size_t size)
{
    if (!out->error && size)
        out->error = out->drain(out->self, bytes, size);
}

int outbuf_flush(struct outbuf *out)
{
    drain(out, out->bytes, out->used);
    out->used = 0;
    return out->error;
}

void outbuf_bytes(struct outbuf *out, const void *bytes, size_t size)
{
    out->total += size;
    if (size > out->capacity - out->used) {
        outbuf_flush(out);
        if (size >= out->capacity) {
            drain(out, bytes, size);
            return;
        }
    }
    memcpy(out->bytes + out->used, bytes, size);
    out->used += size;
}

void outbuf_text(struct outbuf *out, const char *text)
{
    outbuf_bytes(out, text, strlen(text));
}

void outbuf_char(struct outbuf *out, char c)
{
    outbuf_bytes(out, &c, 1);
}

void outbuf_u64(struct outbuf *out, uint64_t number)
{
    char digits[DIGITS_MAX];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    outbuf_bytes(out, digits + at, sizeof digits - at);
}

void outbuf_printf(struct outbuf *out, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) {
        if (!out->error)
            out->error = -ENOMEM;
        return;
    }
    outbuf_bytes(out, text, (size_t)length);
    free(text);
}

static int write_all(void *self, const void *bytes, size_t size)
{
    const struct outfile *file = self;
    const char *at = bytes;
    while (size) {
        ssize_t written = write(file->fd, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        at += written;
        size -= (size_t)written;
    }
    return 0;
}

static void forget(struct outfile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    outbuf_fini(&file->out);
    free(file->path);
    free(file->temporary);
    file->path = file->temporary = NULL;
}

/* A device, a pipe or a terminal cannot be replaced: it is written to as it is. */
static bool is_written_in_place(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static int open_temporary(struct outfile *file)
{
    if (asprintf(&file->temporary, "%s.XXXXXX", file->path) < 0) {
        file->temporary = NULL;
        return -ENOMEM;
    }
    file->fd = mkostemp(file->temporary, O_CLOEXEC); /* mode 0600 */
    return file->fd < 0 ? -errno : 0;
}

static int open_target(struct outfile *file, const char *path)
{
    if (strcmp(path, "-") == 0) {
        file->path = strdup("standard output");
        file->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        return !file->path ? -ENOMEM : file->fd < 0 ? -errno : 0;
    }
    char *target = realpath(path, NULL); /* a link stays a link */
    file->path = target ? target : strdup(path);
    if (!file->path)
        return -ENOMEM;
    if (is_written_in_place(file->path)) {
        file->fd = open(file->path, O_WRONLY | O_CLOEXEC);
        return file->fd < 0 ? -errno : 0;
    }
    return open_temporary(file);
}

static int create_target(struct outfile *file, const char *path)
{
    file->path = strdup(path);
    return file->path ? open_temporary(file) : -ENOMEM;
}

static int open_as(struct outfile *file, int (*open_it)(struct outfile *file, const char *path), const char *path,
                   struct diag *diag)
{
    *file = (struct outfile){.fd = -1};
    int error = open_it(file, path);
    if (!error)
        error = outbuf_init(&file->out, write_all, file);
    if (error) {
        outfile_abort(file);
        return diag_errno(diag, -error, "cannot write %s", path);
    }
    return 0;
}

int outfile_open(struct outfile *file, const char *path, struct diag *diag)
{
    return open_as(file, open_target, path, diag);
}

int outfile_create(struct outfile *file, const char *path, struct diag *diag)
{
    return open_as(file, create_target, path, diag);
}

int outfile_commit(struct outfile *file, struct diag *diag)
{
    int error = outbuf_flush(&file->out);
    if (!error && file->temporary && fsync(file->fd) && errno != EINVAL)
        error = -errno;
    if (!error && file->temporary && rename(file->temporary, file->path))
        error = -errno;
    if (error) {
        diag_errno(diag, -error, "cannot write %s", file->path);
        outfile_abort(file);
        return error;
    }
    forget(file);
    return 0;
}

void outfile_abort(struct outfile *file)
{
    if (!file->path)
        return;
    if (file->temporary && file->fd >= 0)
        unlink(file->temporary);
    forget(file);
}
