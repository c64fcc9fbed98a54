/* See misuse_state.h: what is told of a misuse. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/misuse_state.h"

static const char *sentence(enum finding_kind kind, enum misuse_proof proof)
{
    switch (kind) {
    case FINDING_CONCURRENT_WRITES:
        if (proof == MISUSE_REFUSED)
            return "A thread wrote to the map while another was writing: it was refused, and what it wanted to write "
                   "is not there. Guard the map with one lock, or use a flavour that synchronises.";
        if (proof == MISUSE_SHARED_SEQ)
            return "Two modifications of the map got the same number: two threads were writing at once, and the map "
                   "may be damaged. Guard the map with one lock, or use a flavour that synchronises.";
        return "Two threads were writing to the map at the same time: the map may be damaged. Guard the map with one "
               "lock, or use a flavour that synchronises.";
    case FINDING_READ_WRITE:
        if (proof == MISUSE_REFUSED)
            return "A thread looked up a key while another was writing: it was refused, and found nothing. Readers "
                   "need the writers' lock too, if only shared; or use a flavour that synchronises.";
        return "A thread looked up a key while another was writing: it may have seen half of the change. Readers need "
               "the writers' lock too, if only shared; or use a flavour that synchronises.";
    case FINDING_ITERATE_WRITE:
        if (proof == MISUSE_REFUSED)
            return "A thread went through the map while another was writing: its step was refused. Hold the lock "
                   "for the whole iteration, or go through a copy.";
        return "A thread changed the table while another was going through it. Hold the lock for the whole iteration, "
               "or go through a copy.";
    case FINDING_NIL_MAP:
        return "An entry was assigned to a map that was never created: nothing was stored. Create the map first.";
    case FINDING_UNHASHABLE:
        return "A key that cannot be hashed was used: it is of another kind than the map's keys, or its bytes are "
               "missing. Nothing was done.";
    case FINDING_MUTATE_IN_ITERATION:
        return "A deferred cleanup changed the map that its own thread was going through: what the iteration still "
               "holds may be gone. Let the iteration end before the scope, or collect the keys and remove them after.";
    case FINDING_CLEAR_UNDER_READERS:
        return "A thread emptied the map while another was going through it: the iteration ended early, and what it "
               "had handed out is gone. Guard both with one lock, or publish a new map instead.";
    case FINDING_LOST_KEY:
        break;
    }
    return "";
}

struct finding misuse_finding(const struct misuse_map *map, enum finding_kind kind, enum misuse_proof proof,
                              enum finding_severity severity)
{
    struct finding finding = {.kind = kind, .severity = severity, .times = 1, .sentence = sentence(kind, proof)};
    finding.map_name = strdup(map && map->name ? map->name : "");
    if (map) {
        finding.pid = (uint32_t)map->key.pid;
        finding.map = (struct event_object){.address = map->key.address, .generation = map->key.generation};
    }
    return finding;
}

static struct misuse_told identity(const struct finding *finding)
{
    struct misuse_told told = {
        .pid = finding->pid,
        .address = finding->map.address,
        .generation = finding->map.generation,
        .kind = finding->kind,
        .count = (uint32_t)finding->operation_count,
    };
    for (size_t i = 0; i < finding->operation_count; i++)
        told.stacks[i] = finding->operations[i].stack;
    return told;
}

static int add(struct misuse *misuse, struct finding *finding, const struct misuse_told *told)
{
    size_t index = misuse->findings->count;
    int error = findings_add(misuse->findings, finding);
    if (error || misuse->findings->count == index)
        return error;
    size_t *place = hashmap_put(&misuse->told, told, NULL);
    if (!place)
        return -ENOMEM;
    *place = index;
    return 0;
}

int misuse_tell(struct misuse *misuse, struct finding *finding)
{
    struct misuse_told told = identity(finding);
    const size_t *index = finding->map_name ? hashmap_find(&misuse->told, &told) : NULL;
    if (finding->map_name && !index)
        return add(misuse, finding, &told);
    if (index)
        misuse->findings->items[*index].times++;
    int error = finding->map_name ? 0 : -ENOMEM;
    free(finding->map_name);
    return error;
}
