/*
 * A checked, buffered writer. Errors stick: write freely, look once at the end.
 *
 * outfile writes a file whole or not at all (a device or a pipe is written to as it is): bytes go to a temporary name
 * beside the target (mode 0600), outfile_commit flushes, syncs and renames; outfile_abort removes it.
 *
 *     struct outfile file;
 *     int error = outfile_open(&file, path, diag);
 *     ...
 *     outbuf_text(&file.out, "hello\n");
 *     return outfile_commit(&file, diag);    // or outfile_abort(&file)
 *
 * Not thread-safe.
 */
#ifndef SUPPORT_OUTBUF_H
#define SUPPORT_OUTBUF_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "support/diag.h"

/* Takes all of `size` bytes or returns a negative errno. */
typedef int outbuf_drain_fn(void *self, const void *bytes, size_t size);

struct outbuf {
    outbuf_drain_fn *drain;
    void *self;
    char *bytes; /* owned */
    size_t used, capacity;
    uint64_t total; /* bytes accepted so far */
    int error;      /* first failure; everything after it is ignored */
};

int outbuf_init(struct outbuf *out, outbuf_drain_fn *drain, void *self);
void outbuf_fini(struct outbuf *out); /* does not flush */

void outbuf_bytes(struct outbuf *out, const void *bytes, size_t size);
void outbuf_text(struct outbuf *out, const char *text);
void outbuf_char(struct outbuf *out, char c);
void outbuf_u64(struct outbuf *out, uint64_t number);
void outbuf_printf(struct outbuf *out, const char *format, ...) DIAG_PRINTF(2, 3); /* not for hot paths */

/* Drains what is buffered. Returns the sticky error, or 0. */
int outbuf_flush(struct outbuf *out);

/*
 * For writers that would lose too much time in the calls above: a place with room for `size` bytes, at most
 * OUTBUF_ROOM_MAX, in the buffer itself. outbuf_wrote, before any other call, says up to where it was filled.
 */
enum { OUTBUF_ROOM_MAX = 64 * 1024 };

static inline char *outbuf_room(struct outbuf *out, size_t size)
{
    assert(size <= OUTBUF_ROOM_MAX);
    if (__builtin_expect(out->capacity - out->used < size, 0))
        outbuf_flush(out);
    return out->bytes + out->used;
}

static inline void outbuf_wrote(struct outbuf *out, const char *end)
{
    size_t used = (size_t)(end - out->bytes);
    out->total += used - out->used;
    out->used = used;
}

struct outfile {
    struct outbuf out;
    int fd;
    char *path, *temporary; /* owned; temporary NULL = written in place */
};

/* "-" is the standard output. A link is followed: for names that the user has chosen. */
int outfile_open(struct outfile *file, const char *path, struct diag *diag);

/* For names that nobody has chosen, where somebody else may have put a link: whatever is there is replaced. */
int outfile_create(struct outfile *file, const char *path, struct diag *diag);

int outfile_commit(struct outfile *file, struct diag *diag); /* closes also on failure, leaving no file */
void outfile_abort(struct outfile *file);                    /* also legal on a zeroed struct and after a commit */

#endif
