/* See map_analyses.h. */
#include "collector/analyses/map_analyses.h"

#include <errno.h>
#include <stdlib.h>

struct map_analyses {
    struct live_maps *maps;
    struct key_history *history;
    struct misuse *misuse;
    struct growth *growth;
};

int map_analyses_create(struct stacks *stacks, struct findings *findings, struct map_analyses **out)
{
    struct map_analyses *analyses = calloc(1, sizeof *analyses);
    int error = analyses ? live_maps_create(stacks, &analyses->maps) : -ENOMEM;
    if (!error)
        error = key_history_create(analyses->maps, findings, &analyses->history);
    if (!error)
        error = misuse_create(analyses->maps, stacks, findings, &analyses->misuse);
    if (!error)
        error = growth_create(analyses->maps, findings, &analyses->growth);
    if (error) {
        map_analyses_destroy(analyses);
        return error;
    }
    *out = analyses;
    return 0;
}

void map_analyses_destroy(struct map_analyses *analyses)
{
    if (!analyses)
        return;
    live_maps_destroy(analyses->maps);
    key_history_destroy(analyses->history);
    misuse_destroy(analyses->misuse);
    growth_destroy(analyses->growth);
    free(analyses);
}

int map_analyses_apply(struct map_analyses *analyses, const struct event *event)
{
    struct sighting sighting;
    uint64_t kind = EVENT_SET(event->kind);
    int error = live_maps_see(analyses->maps, event, &sighting);
    if (error)
        return error;
    if (kind & KEY_HISTORY_EVENTS)
        error = key_history_apply(analyses->history, &sighting);
    if (!error && kind & MISUSE_EVENTS)
        error = misuse_apply(analyses->misuse, &sighting);
    if (!error && kind & GROWTH_EVENTS)
        error = growth_apply(analyses->growth, &sighting);
    live_maps_leave(analyses->maps, &sighting);
    return error;
}

int map_analyses_finish(struct map_analyses *analyses, const struct losses *losses)
{
    int error = key_history_finish(analyses->history, losses);
    if (!error)
        error = misuse_finish(analyses->misuse);
    if (!error)
        error = growth_finish(analyses->growth);
    return error;
}
