/* See gzip_read.h. */
#include "exporters/gzip_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZLIB_CONST
#include <zlib.h>

#include "support/vec.h"

enum { CHUNK_BYTES = 64 * 1024, GZIP_WRAPPER = 16 };

struct bytes {
    unsigned char *items;
    size_t count, capacity;
};

/* Room for a chunk and the NUL. */
static int make_room(struct bytes *bytes)
{
    if (bytes->count > GZIP_READ_MAX)
        return -EFBIG;
    return VEC_RESERVE(bytes->items, bytes->count, bytes->capacity, CHUNK_BYTES + 1);
}

static int read_descriptor(int fd, struct bytes *bytes)
{
    for (;;) {
        int error = make_room(bytes);
        if (error)
            return error;
        ssize_t got = read(fd, bytes->items + bytes->count, CHUNK_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : 0;
        bytes->count += (size_t)got;
    }
}

static int read_path(const char *path, struct bytes *bytes)
{
    if (strcmp(path, "-") == 0)
        return read_descriptor(STDIN_FILENO, bytes);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = read_descriptor(fd, bytes);
    close(fd);
    return error;
}

/* Until the stream's input is used up, at the end of a member. */
static int inflate_members(z_stream *stream, struct bytes *plain)
{
    int status = Z_OK;
    while (status != Z_STREAM_END || stream->avail_in) {
        if (status == Z_STREAM_END && inflateReset(stream) != Z_OK)
            return -EINVAL;
        int error = make_room(plain);
        if (error)
            return error;
        stream->next_out = plain->items + plain->count;
        stream->avail_out = CHUNK_BYTES;
        status = inflate(stream, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END)
            return status == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
        plain->count += CHUNK_BYTES - stream->avail_out;
    }
    return plain->count > GZIP_READ_MAX ? -EFBIG : 0;
}

static int unpack(const struct bytes *packed, struct bytes *plain)
{
    z_stream stream = {.next_in = packed->items, .avail_in = (uInt)packed->count};
    if (inflateInit2(&stream, MAX_WBITS + GZIP_WRAPPER) != Z_OK)
        return -ENOMEM;
    int error = inflate_members(&stream, plain);
    inflateEnd(&stream);
    return error;
}

static int take(struct bytes *from, bool was_compressed, struct gzip_content *out)
{
    from->items[from->count] = '\0';
    *out = (struct gzip_content){.bytes = from->items, .size = from->count, .was_compressed = was_compressed};
    from->items = NULL;
    return 0;
}

int gzip_read(const char *path, struct gzip_content *out, struct diag *diag)
{
    struct bytes raw = {0}, plain = {0};
    int error = read_path(path, &raw);
    bool is_gzip = !error && raw.count >= 2 && raw.items[0] == 0x1f && raw.items[1] == 0x8b;
    if (error == -EFBIG)
        diag_set(diag, error, "%s is larger than %d MiB", path, GZIP_READ_MAX >> 20);
    else if (error)
        diag_errno(diag, -error, "cannot read %s", path);
    else if (is_gzip && (error = unpack(&raw, &plain)) != 0)
        diag_set(diag, error, "%s: %s", path,
                 error == -EFBIG    ? "it unpacks to more than 64 MiB"
                 : error == -ENOMEM ? "no memory to unpack it"
                                    : "its gzip is damaged, cut off, or followed by something else");
    else
        take(is_gzip ? &plain : &raw, is_gzip, out);
    free(raw.items);
    free(plain.items);
    return error;
}

void gzip_content_fini(struct gzip_content *content)
{
    free(content->bytes);
    *content = (struct gzip_content){0};
}
