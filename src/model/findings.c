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
