/* See findings.h. */
#include "model/findings.h"

#include <errno.h>
#include <stdlib.h>

#include "support/vec.h"

void findings_init(struct findings *findings)
{
    *findings = (struct findings){0};
}

void finding_fini(struct finding *finding)
{
    free(finding->map_name);
    free(finding->key);
    free(finding->figures);
}

void findings_fini(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        finding_fini(&findings->items[i]);
    free(findings->items);
    findings_init(findings);
}

const char *finding_kind_text(enum finding_kind kind)
{
    switch (kind) {
    case FINDING_LOST_KEY:
        return "lost key";
    case FINDING_CONCURRENT_WRITES:
        return "concurrent map writes";
    case FINDING_READ_WRITE:
        return "concurrent map read and map write";
    case FINDING_ITERATE_WRITE:
        return "concurrent map iteration and map write";
    case FINDING_NIL_MAP:
        return "assignment to entry in nil map";
    case FINDING_UNHASHABLE:
        return "unhashable key";
    case FINDING_MUTATE_IN_ITERATION:
        return "cleanup inside an iteration";
    case FINDING_CLEAR_UNDER_READERS:
        return "clear under readers";
    case FINDING_GROWTH_BURST:
        return "growth burst";
    case FINDING_GROWTH_IN_ITERATION:
        return "growth during iteration";
    }
    return "finding";
}

int findings_add(struct findings *findings, struct finding *finding)
{
    if (findings->count == FINDINGS_KEPT_MAX) {
        findings->dropped++;
        finding_fini(finding);
        return 0;
    }
    int error = VEC_RESERVE(findings->items, findings->count, findings->capacity, 1);
    if (error)
        finding_fini(finding);
    else
        findings->items[findings->count++] = *finding;
    return error;
}
