/* What the diagnosis found: each finding with its two operations, their stacks, and what to do. Plain data. */
#ifndef MODEL_FINDINGS_H
#define MODEL_FINDINGS_H

#include <stddef.h>
#include <stdint.h>

#include "model/event.h"
#include "model/stacks.h"

enum finding_kind {
    FINDING_LOST_KEY,
    FINDING_CONCURRENT_WRITES,
    FINDING_READ_WRITE,
    FINDING_ITERATE_WRITE,
    FINDING_NIL_MAP,
    FINDING_UNHASHABLE,
    FINDING_MUTATE_IN_ITERATION,
    FINDING_CLEAR_UNDER_READERS,
    FINDING_GROWTH_BURST,
    FINDING_GROWTH_IN_ITERATION,
};
enum finding_severity { FINDING_SUSPECTED, FINDING_CERTAIN };

/* One operation that a finding tells about. */
struct finding_operation {
    const char *verb; /* "assign", "delete", "register cleanup"; constant */
    uint32_t pid, tid;
    uint64_t begin_ns, end_ns;
    uint64_t version;
    uint64_t fn; /* deferred function, 0 = none */
    stack_id stack;
};

#define FINDING_OPERATIONS_MAX 4

struct finding {
    enum finding_kind kind;
    enum finding_severity severity;
    uint32_t pid;
    struct event_object map;
    char *map_name;                                              /* owned, never NULL */
    uint64_t key_id;                                             /* 0 = it is about no single key */
    char *key;                                                   /* owned, printable; NULL unless keys were recorded */
    struct finding_operation operations[FINDING_OPERATIONS_MAX]; /* in order of time */
    size_t operation_count;
    uint64_t misses;      /* look-ups that failed afterwards */
    const char *sentence; /* what happened and what to do; constant */
    char *figures;        /* owned: what it comes to in numbers, a sentence; NULL = nothing to add */
    uint64_t times;       /* that it stands for: the same again; 0 counts as 1 */
};

struct findings {
    struct finding *items; /* in order of time */
    size_t count, capacity;
    uint64_t dropped; /* not kept because there were more than FINDINGS_KEPT_MAX */
};

#define FINDINGS_KEPT_MAX 1000

/* Frees what a finding owns. */
void finding_fini(struct finding *finding);

void findings_init(struct findings *findings);
void findings_fini(struct findings *findings);

/* "lost key". Constant. */
const char *finding_kind_text(enum finding_kind kind);

/* Takes `finding` (its owned strings too, also on failure). 0 or -ENOMEM. */
int findings_add(struct findings *findings, struct finding *finding);

#endif
