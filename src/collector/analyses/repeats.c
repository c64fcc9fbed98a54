/* See repeats.h. */
#include "collector/analyses/repeats.h"

#include <errno.h>

/* Without padding: it is hashed as it is. */
struct told {
    uint64_t pid, address, generation;
    uint32_t kind, count;
    stack_id stacks[FINDING_OPERATIONS_MAX];
};

void repeats_init(struct repeats *repeats, struct findings *findings, enum repeats_by by)
{
    repeats->by = by;
    repeats->findings = findings;
    hashmap_init(&repeats->told, sizeof(struct told), sizeof(size_t));
}

void repeats_fini(struct repeats *repeats)
{
    hashmap_fini(&repeats->told);
}

static struct told identity(const struct finding *finding, enum repeats_by by)
{
    struct told told = {
        .pid = finding->pid,
        .address = by == REPEATS_BY_MAP ? finding->map.address : 0,
        .generation = by == REPEATS_BY_MAP ? finding->map.generation : 0,
        .kind = finding->kind,
        .count = (uint32_t)finding->operation_count,
    };
    for (size_t i = 0; i < finding->operation_count; i++)
        told.stacks[i] = finding->operations[i].stack;
    return told;
}

static int add(struct repeats *repeats, struct finding *finding, const struct told *told)
{
    size_t index = repeats->findings->count;
    int error = findings_add(repeats->findings, finding);
    if (error || repeats->findings->count == index)
        return error;
    size_t *place = hashmap_put(&repeats->told, told, NULL);
    if (!place)
        return -ENOMEM;
    *place = index;
    return 0;
}

int repeats_tell(struct repeats *repeats, struct finding *finding)
{
    struct told told = identity(finding, repeats->by);
    const size_t *index = hashmap_find(&repeats->told, &told);
    if (!index)
        return add(repeats, finding, &told);
    repeats->findings->items[*index].times++;
    finding_fini(finding);
    return 0;
}
