/* mapscope core: compares the maps in a core with what was recorded of them last. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/say.h"
#include "collector/analyses/map_states.h"
#include "collector/core_maps.h"
#include "collector/recording.h"
#include "support/vec.h"

static const char usage[] =
    "usage: mapscope core PROGRAM CORE DIR\n"
    "\n"
    "Compares each map in a core with what the recording in DIR says of it last: entries, modifications, buckets,\n"
    "growth, and which thread was inside. Needs gdb, and the debug information of libmapscope.\n"
    "\n"
    "Exit status: 0 all maps are as recorded, 1 one is not, or something cannot be read, 2 wrong usage.\n";

enum { FLAVOR_SYNCMAP = 2, FLAVOR_LAST = 5, MAPS_MAX = 4096 }; /* docs/events.md, Values */

/* Our own maps: what gdb is asked for. */
struct request {
    struct core_request *maps; /* owned */
    size_t count, capacity;
    size_t others; /* that are not compared */
};

static int gather(const struct map_states *states, struct request *request)
{
    const struct map_state *state;
    int error = 0;
    for (size_t at = 0; !error && (state = map_states_next(states, &at));) {
        if (state->flavor > FLAVOR_LAST || request->count == MAPS_MAX) {
            request->others++;
            continue;
        }
        error = VEC_RESERVE(request->maps, request->count, request->capacity, 1);
        if (!error)
            request->maps[request->count++] = (struct core_request){state->map.address, state->flavor};
    }
    return error;
}

static const struct core_map *find(const struct core_maps *maps, const struct map_state *state)
{
    for (size_t i = 0; i < maps->count; i++)
        if (maps->items[i].address == state->map.address)
            return &maps->items[i];
    return NULL;
}

/* One quantity that is not what was recorded. */
static bool differs(const char *what, uint64_t core, uint64_t recorded)
{
    if (core != recorded)
        printf("  %s: %" PRIu64 " in the core, %" PRIu64 " recorded\n", what, core, recorded);
    return core != recorded;
}

/* True if the map is as recorded. */
static bool compare(const struct map_state *state, const struct core_map *map)
{
    fputs("map \"", stdout);
    say_text(stdout, state->name ? state->name : "");
    printf("\" (0x%" PRIx64 ")", state->map.address);
    if (!map->is_readable || map->generation != state->map.generation) {
        puts(": cannot be read, or is no map any more");
        return false;
    }
    printf(": %" PRIu64 " entries", map->count);
    if (map->has_buckets)
        printf(" in 2^%" PRIu64 " buckets%s", map->B, map->is_growing ? ", growing" : "");
    printf(", seq %" PRIu64 "\n", map->seq);
    if (map->writer)
        printf("  thread %" PRIu64 " was writing to it\n", map->writer);
    bool is_other = false;
    if (state->flavor != FLAVOR_SYNCMAP || map->seq < state->seq) /* whose writers also draw numbers in vain */
        is_other = differs("modifications", map->seq, state->seq);
    if (state->is_counted)
        is_other |= differs("entries", map->count, state->count > 0 ? (uint64_t)state->count : 0);
    if (state->knows_B && map->has_buckets) {
        is_other |= differs("log2 of the buckets", map->B, state->B);
        is_other |= differs("growing", map->is_growing, state->is_growing);
    }
    return !is_other;
}

static int compare_all(const struct map_states *states, const struct core_maps *maps, const struct request *request)
{
    const struct map_state *state;
    size_t compared = 0, same = 0;
    for (size_t at = 0; (state = map_states_next(states, &at));) {
        const struct core_map *map = state->pid == maps->pid ? find(maps, state) : NULL;
        if (!map)
            continue;
        compared++;
        same += compare(state, map);
    }
    printf("%zu of %zu maps of process %" PRIu64 " are as recorded", same, compared, maps->pid);
    if (request->others)
        printf("; %zu more are not compared: tables that are not ours, or more than %d maps", request->others,
               MAPS_MAX);
    putchar('\n');
    return compared && same == compared ? CLI_DONE : CLI_FAILED;
}

static int look(char **argv, const struct recording *recording, struct diag *diag)
{
    struct request request = {0};
    struct core_maps maps;
    int error = gather(recording->map_states, &request);
    if (error)
        diag_errno(diag, -error, "cannot compare the maps");
    else if (request.count == 0)
        error = diag_set(diag, -ENODATA, "%s: no map of the recording is left to compare", recording->path);
    if (!error)
        error = core_maps_read(argv[0], argv[1], request.maps, request.count, &maps, diag);
    if (!error) {
        error = compare_all(recording->map_states, &maps, &request);
        core_maps_fini(&maps);
    }
    free(request.maps);
    return error;
}

/* gdb would speak of the maps, which it does not find without. */
static int check_readable(const char *path, struct diag *diag)
{
    return access(path, R_OK) ? diag_errno(diag, errno, "cannot read %s", path) : 0;
}

int cmd_core(int argc, char **argv)
{
    static const struct option long_options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    int option = getopt_long(argc, argv, "h", long_options, NULL);
    if (option == 'h') {
        fputs(usage, stdout);
        return CLI_DONE;
    }
    if (option != -1)
        return CLI_USAGE;
    if (optind != argc - 3)
        return cli_usage_error("core takes a program, its core and a recording", "core");
    struct diag diag;
    struct recording *recording;
    struct recording_options options = {.keep_map_states = true};
    diag_init(&diag);
    int status = check_readable(argv[optind], &diag);
    if (!status)
        status = check_readable(argv[optind + 1], &diag);
    if (!status)
        status = recording_open(argv[optind + 2], &options, &diag, &recording);
    if (status == 0) {
        status = look(argv + optind, recording, &diag);
        recording_close(recording);
    }
    if (status < 0)
        say_error(&diag);
    diag_fini(&diag);
    return status < 0 ? CLI_FAILED : status;
}
