/*
 * See survey.h. An index file of LTTng (magic 0xC1F1DCC1, version 1.1) has one entry a packet; all numbers
 * are big endian. events_discarded counts from the beginning of the stream, so the last entry has the sum.
 *
 * Metadata is packets of text, of which only `content` says how much is; the whole text ends with a declaration. A
 * daemon that is killed leaves none of it, or some packets.
 */
#include "collector/session/survey.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/session/tree.h"

enum { INDEX_MAGIC = 0xC1F1DCC1, METADATA_MAGIC = 0x75D11D57, METADATA_HEADER_BYTES = 37, METADATA_TAIL_BYTES = 8 };

struct index_header {
    uint32_t magic, major, minor, entry_bytes;
};

/* Where the walk is, and what it has seen there. */
struct place {
    struct survey *survey;
    bool has_metadata, has_whole_metadata, has_events;
};

/* What a packet of metadata begins with, in the byte order of this machine. */
struct metadata_header {
    uint32_t magic;
    uint8_t uuid[16];
    uint32_t checksum, content_bits, packet_bits;
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

/* Where the text of the last whole packet ends; 0 = there is none. */
static uint64_t metadata_end(int fd, uint64_t file_bytes)
{
    struct metadata_header header;
    uint64_t begin = 0, end = 0;
    while (read_at(fd, &header, sizeof header, begin) && header.magic == METADATA_MAGIC) {
        uint64_t content_bytes = header.content_bits / 8, packet_bytes = header.packet_bits / 8;
        if (content_bytes < METADATA_HEADER_BYTES || packet_bytes < content_bytes || packet_bytes > file_bytes - begin)
            return 0;
        end = begin + content_bytes;
        begin += packet_bytes;
    }
    return end;
}

static bool is_whole_metadata(int at, const char *name, uint64_t file_bytes)
{
    char tail[METADATA_TAIL_BYTES];
    int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    uint64_t end = metadata_end(fd, file_bytes);
    size_t left = end >= sizeof tail && read_at(fd, tail, sizeof tail, end - sizeof tail) ? sizeof tail : 0;
    close(fd);
    while (left && tail[left - 1] == '\n')
        left--;
    return left >= 2 && tail[left - 2] == '}' && tail[left - 1] == ';';
}

static int add_file(struct place *place, int at, const char *name, uint64_t bytes)
{
    struct survey *survey = place->survey;
    survey->bytes += bytes;
    if (has_suffix(name, ".idx"))
        return add_index(at, name, bytes, survey);
    place->has_events |= strncmp(name, "ev_", strlen("ev_")) == 0;
    if (strcmp(name, "metadata") == 0) {
        place->has_metadata = true;
        place->has_whole_metadata = is_whole_metadata(at, name, bytes);
    }
    return 0;
}

static void add_name(struct survey_names *names, const char *folder)
{
    if (names->count < SURVEY_NAMES)
        snprintf(names->names[names->count], SURVEY_NAME_SIZE, "%s", folder);
    names->count++;
}

static int add_entry(int at, const char *name, void *arg);

static int add_folder(struct survey *survey, int at, const char *name)
{
    struct place place = {.survey = survey};
    int error = tree_for_each(at, name, add_entry, &place);
    survey->processes += place.has_events && place.has_metadata;
    if (place.has_metadata && !place.has_events)
        add_name(&survey->without_buffers, name);
    else if (place.has_events && !place.has_whole_metadata)
        add_name(&survey->without_metadata, name);
    return error;
}

static int add_entry(int at, const char *name, void *arg)
{
    struct place *place = arg;
    struct stat status;
    if (fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW))
        return -errno;
    if (S_ISDIR(status.st_mode))
        return add_folder(place->survey, at, name);
    return S_ISREG(status.st_mode) ? add_file(place, at, name, (uint64_t)status.st_size) : 0;
}

int survey_trace(int at, const char *name, struct survey *survey)
{
    *survey = (struct survey){0};
    return add_folder(survey, at, name);
}
