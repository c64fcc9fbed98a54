/* See timeline_nest.h. Start reading at nest_add; the search for a place is fit(). */
#include "collector/analyses/timeline_nest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An addition makes two steps more. */
enum { ADDED_STEPS_MAX = 2, BIT_LENGTHS = 65, LENGTH_USES = 4 };

/* Where a slice goes: it begins in step `first` and ends in step `last`. */
struct place {
    size_t first, last;
    uint64_t begin_ns, end_ns;
};

void nest_init(struct nest *nest, uint64_t start_ns, size_t capacity)
{
    *nest = (struct nest){.capacity = capacity, .start_ns = start_ns};
}

void nest_fini(struct nest *nest)
{
    free(nest->steps);
    nest->steps = NULL;
}

void nest_restart(struct nest *nest, uint64_t time_ns)
{
    nest_fini(nest);
    if (time_ns > nest->start_ns)
        nest->start_ns = time_ns;
}

/* The last step has no end. */
static uint64_t step_end(const struct nest *nest, size_t index)
{
    return index + 1 < nest->count ? nest->steps[index + 1].begin_ns : UINT64_MAX;
}

static unsigned bit_length(uint64_t number)
{
    return 64 - (unsigned)__builtin_clzll(number | 1);
}

/*
 * The length that at least 7 of 8 open ones of the first `count` steps do not exceed, up to the next power of two. They
 * have an end. Fewer would not do: if only the slices become solid, and not the gaps between them, nothing can be
 * merged.
 */
static uint64_t usual_length(const struct nest *nest, size_t count)
{
    uint16_t steps_of[2][BIT_LENGTHS] = {0}; /* by length; in turns, so that no count waits for the last */
    unsigned open = 0, seen = 0;
    for (size_t i = 0; i < count; i++) {
        const struct nest_step *step = &nest->steps[i];
        steps_of[i % 2][bit_length(step[1].begin_ns - step->begin_ns)] += !step->solid;
        open += !step->solid;
    }
    for (unsigned length = 0;; length++) {
        seen += (unsigned)steps_of[0][length] + steps_of[1][length];
        if (8 * seen >= 7 * open)
            return length < 64 ? (UINT64_C(1) << length) - 1 : UINT64_MAX;
    }
}

static bool is_short(const struct nest_step *step, uint64_t longest_ns)
{
    return step->solid || step[1].begin_ns - step->begin_ns <= longest_ns;
}

/* Makes the first `count` steps up to that length solid, and one step of solid ones side by side: most of them. */
static void solidify(struct nest *nest, size_t count, uint64_t longest_ns)
{
    const struct nest_step *at = nest->steps, *end = at + count;
    struct nest_step *into = nest->steps;
    while (at < end) {
        struct nest_step step = *at;
        step.solid = is_short(at++, longest_ns);
        for (; step.solid && at < end && is_short(at, longest_ns); at++) {
            step.depth = at->depth < step.depth ? at->depth : step.depth;
            step.peak = at->peak > step.peak ? at->peak : step.peak;
        }
        *into++ = step;
    }
    size_t left = nest->count - count;
    memmove(into, end, left * sizeof *into);
    nest->count = (size_t)(into - nest->steps) + left;
}

/*
 * Down to a quarter, so that it is seldom done. The newest eighth stays as it is: a parent is about to come
 * for its children there. What is usual is not measured each time, which takes longer than all the rest.
 */
static void forget(struct nest *nest)
{
    if (nest->uses++ % LENGTH_USES)
        solidify(nest, nest->count - nest->capacity / 8, nest->longest_ns);
    while (nest->count > nest->capacity / 4) {
        size_t old = nest->count - nest->capacity / 8;
        nest->longest_ns = usual_length(nest, old);
        solidify(nest, old, nest->longest_ns);
    }
}

static __attribute__((noinline)) int make_room_now(struct nest *nest)
{
    if (nest->steps) {
        forget(nest);
        return 0;
    }
    nest->steps = malloc(nest->capacity * sizeof *nest->steps);
    if (!nest->steps)
        return -ENOMEM;
    nest->steps[0] = (struct nest_step){.begin_ns = nest->start_ns};
    nest->count = 1;
    return 0;
}

static inline int make_room(struct nest *nest)
{
    return nest->steps && nest->count + ADDED_STEPS_MAX <= nest->capacity ? 0 : make_room_now(nest);
}

static void append(struct nest *nest, uint64_t begin_ns, uint16_t depth)
{
    nest->steps[nest->count++] = (struct nest_step){.begin_ns = begin_ns, .depth = depth, .peak = depth};
}

static void insert(struct nest *nest, size_t index, uint64_t begin_ns, uint16_t depth)
{
    struct nest_step *at = &nest->steps[index];
    memmove(at + 1, at, (nest->count - index) * sizeof *at);
    *at = (struct nest_step){.begin_ns = begin_ns, .depth = depth, .peak = depth};
    nest->count++;
}

/* How far a slice that begins in step `first` at `begin_ns` can reach, at most to `end_ns`. */
static struct place reach(const struct nest *nest, size_t first, uint64_t begin_ns, uint64_t end_ns)
{
    struct place best = {.first = first, .last = first, .begin_ns = begin_ns, .end_ns = begin_ns};
    uint16_t depth = nest->steps[first].depth;
    for (size_t i = first; i < nest->count && best.end_ns < end_ns; i++) {
        const struct nest_step *step = &nest->steps[i];
        if (step->depth < depth || step->begin_ns > end_ns || (i > first && step->peak >= NEST_DEPTH_MAX))
            break; /* the parent ends, or so does the slice, or it would push its children too deep */
        if (step->depth > depth || step->solid)
            continue;
        uint64_t limit_ns = step_end(nest, i);
        best.last = i;
        best.end_ns = limit_ns < end_ns ? limit_ns : end_ns;
    }
    return best;
}

/*
 * The best place for the slice. A moment on a border lies in more than one step (it may begin inside what
 * ends there, behind it, or inside what begins there): each is tried. From a solid step it moves on.
 */
static struct place fit(const struct nest *nest, uint64_t begin_ns, uint64_t end_ns)
{
    struct place best = {.begin_ns = begin_ns, .end_ns = begin_ns};
    for (size_t i = nest->count; i-- > 0;) {
        const struct nest_step *step = &nest->steps[i];
        if (step_end(nest, i) < begin_ns)
            break;
        bool behind_solid = i > 0 && nest->steps[i - 1].solid && nest->steps[i - 1].begin_ns < begin_ns;
        bool reachable = step->begin_ns <= begin_ns || behind_solid;
        if (step->solid || !reachable || step->begin_ns >= end_ns || step->depth >= NEST_DEPTH_MAX)
            continue;
        uint64_t from_ns = step->begin_ns > begin_ns ? step->begin_ns : begin_ns;
        struct place place = reach(nest, i, from_ns, end_ns);
        if (place.end_ns - place.begin_ns > best.end_ns - best.begin_ns)
            best = place;
    }
    return best;
}

static void remember(struct nest *nest, const struct place *place)
{
    uint16_t outside = nest->steps[place->first].depth;
    for (size_t i = place->first + 1; i <= place->last; i++) {
        nest->steps[i].depth++;
        nest->steps[i].peak++;
    }
    insert(nest, place->last + 1, place->end_ns, outside);
    insert(nest, place->first + 1, place->begin_ns, (uint16_t)(outside + 1));
}

int nest_add(struct nest *nest, uint64_t *begin_ns, uint64_t *end_ns)
{
    int error = make_room(nest);
    if (error)
        return error;
    if (*begin_ns < nest->start_ns)
        *begin_ns = nest->start_ns;
    if (*end_ns <= *begin_ns) {
        *end_ns = *begin_ns; /* without length it is in nobody's way */
        return 0;
    }
    const struct nest_step *last = &nest->steps[nest->count - 1];
    uint16_t depth = last->depth;
    if (*begin_ns >= last->begin_ns && depth < NEST_DEPTH_MAX) {
        append(nest, *begin_ns, (uint16_t)(depth + 1));
        append(nest, *end_ns, depth);
        return 0;
    }
    struct place place = fit(nest, *begin_ns, *end_ns);
    *begin_ns = place.begin_ns;
    *end_ns = place.end_ns;
    if (place.begin_ns < place.end_ns)
        remember(nest, &place);
    return 0;
}

int nest_open(struct nest *nest, uint64_t *begin_ns)
{
    int error = make_room(nest);
    if (error)
        return error;
    const struct nest_step *last = &nest->steps[nest->count - 1];
    if (last->depth >= NEST_DEPTH_MAX)
        return -EOVERFLOW;
    if (*begin_ns < last->begin_ns)
        *begin_ns = last->begin_ns;
    append(nest, *begin_ns, (uint16_t)(last->depth + 1));
    return 0;
}

int nest_close(struct nest *nest, uint64_t *end_ns)
{
    int error = make_room(nest);
    if (error)
        return error;
    const struct nest_step *last = &nest->steps[nest->count - 1];
    if (*end_ns < last->begin_ns)
        *end_ns = last->begin_ns;
    append(nest, *end_ns, (uint16_t)(last->depth - 1));
    return 0;
}
