/* See window.h. */
#include "collector/ctf/window.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void ctf_window_init(struct ctf_window *window)
{
    *window = (struct ctf_window){.fd = -1};
}

static void close_file(struct ctf_window *window)
{
    if (window->fd >= 0)
        close(window->fd);
    window->fd = -1;
}

void ctf_window_fini(struct ctf_window *window)
{
    bool close_after = window->close_after;
    close_file(window);
    free(window->bytes);
    ctf_window_init(window);
    window->close_after = close_after;
}

static int open_file(struct ctf_window *window, const char *path)
{
    if (window->path != path) {
        close_file(window);
        window->path = path;
        window->length = 0;
    }
    if (window->fd < 0)
        window->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return window->fd < 0 ? -errno : 0;
}

/* What the buffer holds is lost. */
static int make_room(struct ctf_window *window, size_t want)
{
    if (want > CTF_WINDOW_BYTES_MAX)
        return -EFBIG;
    size_t capacity = window->capacity ? window->capacity : CTF_WINDOW_BYTES;
    while (capacity < want)
        capacity *= 2;
    if (capacity == window->capacity)
        return 0;
    uint8_t *bytes = calloc(1, capacity + CTF_SLACK_BYTES);
    if (!bytes)
        return -ENOMEM;
    free(window->bytes);
    window->bytes = bytes;
    window->capacity = capacity;
    window->length = 0;
    return 0;
}

static int fill(struct ctf_window *window, uint64_t offset)
{
    window->offset = offset;
    window->length = 0;
    while (window->length < window->capacity) {
        ssize_t count = pread(window->fd, window->bytes + window->length, window->capacity - window->length,
                              (off_t)(offset + window->length));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (count == 0)
            break;
        window->length += (size_t)count;
    }
    return 0;
}

static bool covers(const struct ctf_window *window, const char *path, uint64_t offset, size_t want)
{
    return window->path == path && offset >= window->offset && offset - window->offset <= window->length &&
           window->length - (offset - window->offset) >= want;
}

int ctf_window_at(struct ctf_window *window, const char *path, uint64_t offset, size_t want, const uint8_t **out,
                  size_t *available)
{
    if (!covers(window, path, offset, want)) {
        int error = make_room(window, want);
        if (!error)
            error = open_file(window, path);
        if (!error)
            error = fill(window, offset);
        if (window->close_after)
            close_file(window);
        if (error)
            return error;
    }
    *out = window->bytes + (offset - window->offset);
    *available = window->length - (size_t)(offset - window->offset);
    return 0;
}
