/*
 * See survey.h. An index file of LTTng (magic 0xC1F1DCC1, version 1.1) has one entry a packet; all numbers
 * are big endian. events_discarded counts from the beginning of the stream, so the last entry has the sum.
 */
#include "collector/session/survey.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/session/tree.h"

enum { INDEX_MAGIC = 0xC1F1DCC1 };

struct index_header {
    uint32_t magic, major, minor, entry_bytes;
};

struct index_entry {
    uint64_t offset, packet_bits, content_bits, begin, end, events_discarded, stream_id, instance_id, sequence;
};

static bool read_at(int fd, void *bytes, size_t size, uint64_t offset)
{
    return pread(fd, bytes, size, (off_t)offset) == (ssize_t)size;
}

/* Adds the losses of one stream. An entry that was not written whole is not there. */
static void add_losses(int fd, uint64_t file_bytes, struct survey *survey)
{
    struct index_header header;
    struct index_entry first, last;
    if (!read_at(fd, &header, sizeof header, 0) || be32toh(header.magic) != INDEX_MAGIC)
        return;
    uint64_t entry_bytes = be32toh(header.entry_bytes);
    if (entry_bytes < sizeof last) /* version 1.0: no numbers of packets */
        return;
    uint64_t count = (file_bytes - sizeof header) / entry_bytes;
    if (!count || !read_at(fd, &first, sizeof first, sizeof header) ||
        !read_at(fd, &last, sizeof last, sizeof header + (count - 1) * entry_bytes))
        return;
    uint64_t numbers = be64toh(last.sequence) - be64toh(first.sequence) + 1;
    survey->discarded_events += be64toh(last.events_discarded);
    survey->lost_packets += numbers > count ? numbers - count : 0;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), suffix_length = strlen(suffix);
    return length > suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

static int add_index(int at, const char *name, uint64_t file_bytes, struct survey *survey)
{
    int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    add_losses(fd, file_bytes, survey);
    close(fd);
    return 0;
}

static int add_entry(int at, const char *name, void *arg)
{
    struct survey *survey = arg;
    struct stat status;
    if (fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW))
        return -errno;
    if (S_ISDIR(status.st_mode)) {
        survey->processes += strcmp(name, "index") == 0;
        return tree_for_each(at, name, add_entry, survey);
    }
    if (!S_ISREG(status.st_mode))
        return 0;
    survey->bytes += (uint64_t)status.st_size;
    return has_suffix(name, ".idx") ? add_index(at, name, (uint64_t)status.st_size, survey) : 0;
}

int survey_trace(int at, const char *name, struct survey *survey)
{
    *survey = (struct survey){0};
    return tree_for_each(at, name, add_entry, survey);
}
