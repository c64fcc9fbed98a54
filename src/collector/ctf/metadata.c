/* See metadata.h. A packet: 37 bytes of header, `content_size` bits of header and text, padding. */
#include "collector/ctf/metadata.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAGIC = 0x75D11D57,
    HEADER_BYTES = 37, /* magic, uuid[16], checksum, content_size, packet_size, five bytes */
    CONTENT_SIZE_AT = 24,
    PACKET_SIZE_AT = 28,
    COMPRESSION_AT = 32,
    FILE_BYTES_MAX = 64 << 20
};

static const char signature[] = "/* CTF";

struct packet {
    size_t content_bytes, packet_bytes; /* header included */
};

static uint32_t read_u32(const uint8_t *at, bool big_endian)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return big_endian ? be32toh(number) : le32toh(number);
}

static bool parse_header(const uint8_t *at, size_t left, bool big_endian, struct packet *out)
{
    if (left < HEADER_BYTES || read_u32(at, big_endian) != MAGIC)
        return false;
    uint32_t content_bits = read_u32(at + CONTENT_SIZE_AT, big_endian);
    uint32_t packet_bits = read_u32(at + PACKET_SIZE_AT, big_endian);
    if (content_bits % 8 || packet_bits % 8 || at[COMPRESSION_AT] || at[COMPRESSION_AT + 1])
        return false;
    *out = (struct packet){.content_bytes = content_bits / 8, .packet_bytes = packet_bits / 8};
    return out->content_bytes >= HEADER_BYTES && out->content_bytes <= out->packet_bytes && out->packet_bytes <= left;
}

static int unpack_packets(const uint8_t *bytes, size_t size, bool big_endian, const char *name, struct diag *diag,
                          char *text, size_t *length)
{
    size_t used = 0;
    for (size_t at = 0; at < size;) {
        struct packet packet;
        if (!parse_header(bytes + at, size - at, big_endian, &packet))
            return diag_set(diag, -EBADMSG, "%s: metadata cut or damaged at byte %zu of %zu", name, at, size);
        size_t text_bytes = packet.content_bytes - HEADER_BYTES;
        memcpy(text + used, bytes + at + HEADER_BYTES, text_bytes);
        used += text_bytes;
        at += packet.packet_bytes;
    }
    text[used] = '\0';
    *length = used;
    return 0;
}

static bool starts_with_magic(const uint8_t *bytes, size_t size, bool big_endian)
{
    return size >= sizeof(uint32_t) && read_u32(bytes, big_endian) == MAGIC;
}

static bool is_plain_text(const uint8_t *bytes, size_t size)
{
    return size >= sizeof signature - 1 && memcmp(bytes, signature, sizeof signature - 1) == 0;
}

int ctf_metadata_unpack(const void *input, size_t size, const char *name, struct diag *diag, char **out, size_t *length)
{
    const uint8_t *bytes = input;
    if (size == 0)
        return diag_set(diag, -EBADMSG, "%s: the metadata is empty", name);
    bool big_endian = starts_with_magic(bytes, size, true);
    bool packets = big_endian || starts_with_magic(bytes, size, false);
    if (!packets && !is_plain_text(bytes, size))
        return diag_set(diag, -EBADMSG, "%s: not CTF metadata", name);
    char *text = malloc(size + 1);
    if (!text)
        return diag_errno(diag, ENOMEM, "%s", name);
    int error = 0;
    if (packets) {
        error = unpack_packets(bytes, size, big_endian, name, diag, text, length);
        if (!error && *length == 0) /* as a session daemon leaves it that is killed */
            error = diag_set(diag, -EBADMSG, "%s: the metadata is empty", name);
    } else {
        memcpy(text, bytes, size);
        text[size] = '\0';
        *length = size;
    }
    if (error)
        free(text);
    else
        *out = text;
    return error;
}

/* Until `size` bytes are there or the file ends: it may have shrunk since fstat. */
static ssize_t read_all(int fd, uint8_t *bytes, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t count = read(fd, bytes + got, size - got);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (count == 0)
            break;
        got += (size_t)count;
    }
    return (ssize_t)got;
}

static int read_and_unpack(int fd, const char *path, struct diag *diag, char **out, size_t *length)
{
    struct stat status;
    if (fstat(fd, &status))
        return diag_errno(diag, errno, "cannot read %s", path);
    if (!S_ISREG(status.st_mode))
        return diag_set(diag, -EBADMSG, "%s: not a regular file", path);
    if (status.st_size > FILE_BYTES_MAX)
        return diag_errno(diag, EFBIG, "cannot read %s", path);
    uint8_t *bytes = malloc((size_t)status.st_size + 1);
    if (!bytes)
        return diag_errno(diag, ENOMEM, "cannot read %s", path);
    ssize_t got = read_all(fd, bytes, (size_t)status.st_size);
    int error = got < 0 ? diag_errno(diag, (int)-got, "cannot read %s", path)
                        : ctf_metadata_unpack(bytes, (size_t)got, path, diag, out, length);
    free(bytes);
    return error;
}

int ctf_metadata_read(const char *path, struct diag *diag, char **out, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO by that name must not block us */
    if (fd < 0)
        return diag_errno(diag, errno, "cannot open %s", path);
    int error = read_and_unpack(fd, path, diag, out, length);
    close(fd);
    return error;
}
