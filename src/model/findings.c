/* See findings.h. */
#include "model/findings.h"

#include <errno.h>
#include <stdlib.h>

#include "support/vec.h"

void findings_init(struct findings *findings)
{
    *findings = (struct findings){0};
}

static void fini_finding(struct finding *finding)
{
    free(finding->map_name);
    free(finding->key);
}

void findings_fini(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        fini_finding(&findings->items[i]);
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
    }
    return "finding";
}

int findings_add(struct findings *findings, struct finding *finding)
{
    if (findings->count == FINDINGS_KEPT_MAX) {
        findings->dropped++;
        fini_finding(finding);
        return 0;
    }
    int error = VEC_RESERVE(findings->items, findings->count, findings->capacity, 1);
    if (error)
        fini_finding(finding);
    else
        findings->items[findings->count++] = *finding;
    return error;
}
