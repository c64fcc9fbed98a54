/* See core_maps.h. */
#include "collector/core_maps.h"

#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/json_find.h"
#include "support/vec.h"

enum { FLAVORS = 6, REQUEST_BYTES = 64 };

/* docs/events.md, Values */
static const char *const structs[FLAVORS] = {"msc_map",      "msc_rwmap",  "msc_syncmap",
                                             "msc_shardmap", "msc_cowmap", "msc_mapwriter"};

extern char **environ;

/* PREFIX/share/mapscope/mapscope_gdb.py of the PREFIX/bin/mapscope that runs; to be freed. */
static int find_script(char **out, struct diag *diag)
{
    char *self = realpath("/proc/self/exe", NULL), *slash = self ? strrchr(self, '/') : NULL, *script = NULL;
    if (slash) {
        *slash = '\0';
        if (asprintf(&script, "source %s/../share/mapscope/mapscope_gdb.py", self) < 0)
            script = NULL;
    }
    free(self);
    if (!script)
        return diag_errno(diag, ENOMEM, "cannot see where mapscope lies");
    if (access(script + strlen("source "), R_OK) == 0) {
        *out = script;
        return 0;
    }
    int error =
        diag_errno(diag, errno, "cannot read %s: mapscope is not installed as a whole", script + strlen("source "));
    free(script);
    return error;
}

/* mapscope state "(struct msc_map *)0x1000" ...; NULL when memory is out. */
static char *make_command(const struct core_request *requests, size_t count)
{
    static const char verb[] = "mapscope state";
    char *command = malloc(sizeof verb + count * REQUEST_BYTES);
    char *at = command ? stpcpy(command, verb) : NULL;
    for (size_t i = 0; at && i < count; i++)
        at += snprintf(at, REQUEST_BYTES, " \"(struct %s *)0x%" PRIx64 "\"",
                       structs[requests[i].flavor < FLAVORS ? requests[i].flavor : 0], requests[i].address);
    return command;
}

/* Starts gdb; what it prints comes through *out. */
static int start(char *const argv[], pid_t *pid, FILE **out, struct diag *diag)
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    if (pipe(ends))
        return diag_errno(diag, errno, "cannot start gdb");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    int error = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *out = error ? NULL : fdopen(ends[0], "r");
    if (!*out)
        close(ends[0]);
    return error ? diag_errno(diag, error, "cannot start gdb: is it installed?") : 0;
}

/* False: there is none; `out` is untouched then. */
static bool find_number(const char *line, size_t length, const char *path, uint64_t *out)
{
    struct json_span span;
    return json_find(line, length, path, &span) && json_u64(span, out);
}

static int take_line(struct core_maps *maps, const char *line)
{
    size_t length = strlen(line);
    struct json_span span;
    if (line[0] != '{' || !json_find(line, length, "map", &span) || span.length < 4)
        return 0;
    int error = VEC_RESERVE(maps->items, maps->count, maps->capacity, 1);
    if (error)
        return error;
    find_number(line, length, "pid", &maps->pid);
    struct core_map *map = &maps->items[maps->count++];
    *map = (struct core_map){.address = strtoull(span.text + 1, NULL, 16)};
    map->is_readable = !json_find(line, length, "error", &span);
    find_number(line, length, "generation", &map->generation);
    find_number(line, length, "count", &map->count);
    find_number(line, length, "seq", &map->seq);
    find_number(line, length, "writer", &map->writer);
    map->has_buckets = find_number(line, length, "B", &map->B);
    map->is_growing = json_find(line, length, "growing", &span) && span.length == 4; /* true */
    return 0;
}

/* The last line that is no state is gdb's reason, if there is nothing else. */
static int take_lines(FILE *from, struct core_maps *maps, struct diag *diag)
{
    char *line = NULL, *reason = NULL;
    size_t size = 0;
    int error = 0;
    while (!error && getline(&line, &size, from) > 0) {
        line[strcspn(line, "\n")] = '\0';
        error = take_line(maps, line);
        if (line[0] && line[0] != '{') {
            free(reason);
            reason = strdup(line);
        }
    }
    if (error)
        diag_errno(diag, -error, "cannot read what gdb says");
    else if (maps->count == 0)
        error = diag_set(diag, -EIO, "gdb says nothing of the maps: %s", reason ? reason : "");
    free(reason);
    free(line);
    return error;
}

int core_maps_read(const char *program, const char *core, const struct core_request *requests, size_t count,
                   struct core_maps *out, struct diag *diag)
{
    struct core_maps maps = {0};
    char *script = NULL, *command = make_command(requests, count);
    int error = command ? find_script(&script, diag) : diag_errno(diag, ENOMEM, "cannot ask gdb");
    if (error) {
        free(command);
        return error;
    }
    const char *argv[] = {"gdb", "-q",    "-nx",   "-batch", "-iex", "set debuginfod enabled off", "-ex", script,
                          "-ex", command, program, core,     NULL};
    pid_t pid;
    FILE *from = NULL;
    error = start((char *const *)(uintptr_t)argv, &pid, &from, diag);
    if (!error && !from)
        error = diag_errno(diag, ENOMEM, "cannot read what gdb says");
    if (from) {
        error = take_lines(from, &maps, diag);
        fclose(from);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    free(script);
    free(command);
    if (error)
        core_maps_fini(&maps);
    else
        *out = maps;
    return error;
}

void core_maps_fini(struct core_maps *maps)
{
    free(maps->items);
    *maps = (struct core_maps){0};
}
