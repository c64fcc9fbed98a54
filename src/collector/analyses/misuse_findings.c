/* See misuse_state.h: what is told of a misuse. */
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
    default:
        return "";
    }
}

int misuse_operation(struct sighting *sighting, const char *verb, struct finding_operation *out)
{
    const struct event *event = sighting->event;
    *out = (struct finding_operation){
        .verb = verb, .pid = event->pid, .tid = event->tid, .begin_ns = event->time_ns, .end_ns = event->time_ns};
    return sighting_stack(sighting, &out->stack);
}

static const char *verb_of(enum event_kind kind)
{
    switch (kind) {
    case EVENT_MAP_ASSIGN:
        return "assign";
    case EVENT_MAP_DELETE:
        return "delete";
    case EVENT_MAP_CLEAR:
        return "clear";
    default:
        return "access";
    }
}

struct finding_operation misuse_told(const struct live_map *map, const struct misuse_op *op)
{
    return (struct finding_operation){.verb = verb_of(op->kind),
                                      .pid = (uint32_t)map->key.pid,
                                      .tid = op->tid,
                                      .begin_ns = op->begin_ns,
                                      .end_ns = op->end_ns,
                                      .stack = op->stack};
}

int misuse_finding(const struct live_map *map, enum finding_kind kind, enum misuse_proof proof, struct finding *out)
{
    int error = live_map_finding(map, out);
    if (error)
        return error;
    out->kind = kind;
    out->severity = proof == MISUSE_IN_ITERATION ? FINDING_SUSPECTED : FINDING_CERTAIN;
    out->sentence = sentence(kind, proof);
    return 0;
}

int misuse_tell_both(struct misuse *misuse, const struct live_map *map, enum finding_kind kind, enum misuse_proof proof,
                     const struct finding_operation *one, const struct finding_operation *other)
{
    struct finding finding;
    int error = misuse_finding(map, kind, proof, &finding);
    if (error)
        return error;
    bool in_order = one->begin_ns <= other->begin_ns;
    finding.operations[0] = in_order ? *one : *other;
    finding.operations[1] = in_order ? *other : *one;
    finding.operation_count = 2;
    return repeats_tell(&misuse->repeats, &finding);
}
