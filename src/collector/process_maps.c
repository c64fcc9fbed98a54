/* See process_maps.h. */
#include "collector/process_maps.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/vec.h"

/* ---- one line: "55d0-55e0 r-xp 00001000 08:01 1234   /usr/bin/server" ---- */

struct line {
    uint64_t start, limit, offset;
    bool is_executable, is_writable;
    const char *path; /* borrowed from the text */
    size_t path_length;
};

struct cursor {
    const char *at, *end;
};

static bool take_hex(struct cursor *cursor, char behind, uint64_t *out)
{
    uint64_t number = 0;
    const char *begin = cursor->at;
    for (; cursor->at < cursor->end && cursor->at - begin < 16; cursor->at++) {
        char c = *cursor->at;
        if (c >= '0' && c <= '9')
            number = number << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            number = number << 4 | (uint64_t)(c - 'a' + 10);
        else
            break;
    }
    if (cursor->at == begin || cursor->at == cursor->end || *cursor->at != behind)
        return false;
    cursor->at++;
    *out = number;
    return true;
}

static void skip_word(struct cursor *cursor)
{
    while (cursor->at < cursor->end && *cursor->at != ' ')
        cursor->at++;
    while (cursor->at < cursor->end && *cursor->at == ' ')
        cursor->at++;
}

static bool parse_line(const char *begin, const char *end, struct line *out)
{
    struct cursor cursor = {begin, end};
    if (!take_hex(&cursor, '-', &out->start) || !take_hex(&cursor, ' ', &out->limit) || cursor.end - cursor.at < 5 ||
        out->start >= out->limit)
        return false;
    out->is_writable = cursor.at[1] == 'w';
    out->is_executable = cursor.at[2] == 'x';
    cursor.at += 5;
    if (!take_hex(&cursor, ' ', &out->offset))
        return false;
    skip_word(&cursor); /* device */
    skip_word(&cursor); /* inode */
    out->path = cursor.at;
    out->path_length = (size_t)(cursor.end - cursor.at);
    return true;
}

/* ---- lines of one file together ---- */

struct module {
    struct line first;
    uint64_t limit;
    bool is_executable;
};

static bool continues(const struct module *module, const struct line *line)
{
    if (line->path_length == 0) /* .bss */
        return line->start == module->limit && line->is_writable;
    return line->path_length == module->first.path_length &&
           memcmp(line->path, module->first.path, line->path_length) == 0 && line->start >= module->limit;
}

static int add_module(struct process_table *table, uint32_t pid, const struct module *module)
{
    if (!module->is_executable || module->first.path_length == 0)
        return 0;
    struct event event = {.kind = EVENT_MODULE_LOAD,
                          .pid = pid,
                          .module = {.base = module->first.start,
                                     .size = module->limit - module->first.start,
                                     .path = {module->first.path, (uint32_t)module->first.path_length},
                                     .is_pic = true}};
    return process_table_apply(table, &event);
}

static int take_line(struct process_table *table, uint32_t pid, const struct line *line, struct module *module)
{
    int error = 0;
    if (!continues(module, line)) {
        error = add_module(table, pid, module);
        *module = (struct module){.first = *line};
    }
    module->limit = line->limit;
    module->is_executable |= line->is_executable;
    return error;
}

int process_maps_add(struct process_table *table, uint32_t pid, const char *text, size_t size)
{
    struct module module = {.limit = 0};
    const char *end = text + size;
    int error = 0;
    for (const char *at = text, *next; at < end && !error; at = next) {
        struct line line;
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        next = newline ? newline + 1 : end;
        if (parse_line(at, newline ? newline : end, &line))
            error = take_line(table, pid, &line, &module);
    }
    return error ? error : add_module(table, pid, &module);
}

/* ---- a process that runs ---- */

struct content {
    char *bytes;
    size_t size, capacity;
};

static int read_file(const char *path, struct content *out)
{
    enum { CHUNK = 4096, MOST = 64 * 1024 * 1024 };
    FILE *file = fopen(path, "re");
    size_t got = 1;
    int error = file ? 0 : errno == ENOENT ? -ESRCH : -errno;
    while (!error && got) {
        error = out->size < MOST ? VEC_RESERVE(out->bytes, out->size, out->capacity, CHUNK) : -EFBIG;
        got = error ? 0 : fread(out->bytes + out->size, 1, CHUNK, file);
        out->size += got;
    }
    if (file)
        fclose(file);
    return error;
}

static int read_thread(struct process_table *table, uint32_t pid, uint32_t tid)
{
    char path[64];
    struct content name = {0};
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/task/%" PRIu32 "/comm", pid, tid);
    int error = read_file(path, &name);
    struct event event = {.kind = EVENT_THREAD_START, .pid = pid, .tid = tid};
    if (!error) {
        event.thread.name = (struct event_text){name.bytes, (uint32_t)(name.size ? name.size - 1 : 0)}; /* newline */
        error = process_table_apply(table, &event);
    }
    free(name.bytes);
    return error == -ENOMEM ? error : 0; /* a thread may have ended */
}

static int read_threads(struct process_table *table, uint32_t pid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/task", pid);
    DIR *folder = opendir(path);
    struct dirent *entry;
    int error = 0;
    while (folder && !error && (entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            error = read_thread(table, pid, (uint32_t)strtoul(entry->d_name, NULL, 10));
    if (folder)
        closedir(folder);
    return error;
}

int process_maps_read(struct process_table *table, uint32_t pid)
{
    char path[32];
    struct content maps = {0};
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/maps", pid);
    int error = read_file(path, &maps);
    if (!error)
        error = process_maps_add(table, pid, maps.bytes, maps.size);
    free(maps.bytes);
    return error ? error : read_threads(table, pid);
}
