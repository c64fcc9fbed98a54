/* See faults.h. Places are compared as text: processes have the same code at different addresses. */
#include "exporters/report/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/fnv.h"
#include "support/hashmap.h"
#include "support/vec.h"

static uint64_t mix_text(uint64_t hash, const char *text)
{
    return fnv_mix(hash, text, strlen(text) + 1);
}

static uint64_t mix_location(uint64_t hash, const struct symbol_location *location)
{
    for (uint32_t i = 0; i < location->frame_count; i++) {
        const struct symbol_frame *frame = &location->frames[i];
        hash = mix_text(mix_text(hash, frame->function), frame->file);
        hash = fnv_mix(hash, &frame->line, sizeof frame->line);
    }
    return hash;
}

/* *frames: how many there are so far. */
static uint64_t mix_stack(uint64_t hash, const struct export_input *input, stack_id id, size_t *frames)
{
    struct stack_view stack = stacks_get(input->stacks, id);
    for (uint32_t i = 0; i < stack.count; i++)
        hash = mix_location(hash, symbols_resolve(input->symbols, stack.pid, stack.pcs[i], stack.first_ns));
    *frames += stack.count;
    return fnv_mix(hash, &stack.count, sizeof stack.count);
}

static uint64_t identity(const struct export_input *input, const struct finding *finding)
{
    uint64_t hash = mix_text(FNV_BEGIN, finding->map_name);
    size_t frames = 0;
    hash = fnv_mix(hash, &finding->kind, sizeof finding->kind);
    for (size_t i = 0; i < finding->operation_count; i++) {
        const struct finding_operation *operation = &finding->operations[i];
        hash = mix_stack(hash, input, operation->stack, &frames);
        if (operation->fn)
            hash = mix_location(
                hash, symbols_resolve(input->symbols, operation->pid, operation->fn + 1, operation->begin_ns));
    }
    if (frames)
        return hash;
    hash =
        fnv_mix(hash, &finding->pid, sizeof finding->pid); /* nothing is known of the place: it is of this map alone */
    hash = fnv_mix(hash, &finding->map.address, sizeof finding->map.address);
    return fnv_mix(hash, &finding->map.generation, sizeof finding->map.generation);
}

/* Where a fault has been found. */
struct place {
    uint64_t fault, pid;
};

struct collecting {
    const struct export_input *input;
    struct faults *faults;
    struct hashmap indices; /* identity -> index of the fault */
    struct hashmap places;  /* struct place -> nothing */
};

static struct fault *fault_of(struct collecting *collecting, const struct finding *finding, uint64_t *index)
{
    uint64_t hash = identity(collecting->input, finding);
    struct faults *faults = collecting->faults;
    bool is_new;
    uint64_t *known = hashmap_put(&collecting->indices, &hash, &is_new);
    if (!known || VEC_RESERVE(faults->items, faults->count, faults->capacity, 1))
        return NULL;
    if (is_new) {
        *known = faults->count;
        faults->items[faults->count++] = (struct fault){.example = finding};
    }
    *index = *known;
    return &faults->items[*known];
}

static int collect(struct collecting *collecting, const struct finding *finding)
{
    struct place place = {.pid = finding->pid};
    struct fault *fault = fault_of(collecting, finding, &place.fault);
    bool is_new;
    if (!fault || !hashmap_put(&collecting->places, &place, &is_new))
        return -ENOMEM;
    fault->processes += is_new;
    fault->times += finding->times ? finding->times : 1;
    fault->misses += finding->misses;
    if (finding->severity > fault->example->severity)
        fault->example = finding;
    return 0;
}

int faults_collect(const struct export_input *input, struct faults *out)
{
    struct collecting collecting = {.input = input, .faults = out};
    int error = 0;
    *out = (struct faults){0};
    hashmap_init(&collecting.indices, sizeof(uint64_t), sizeof(uint64_t));
    hashmap_init(&collecting.places, sizeof(struct place), sizeof(char));
    for (size_t i = 0; i < input->findings->count && !error; i++)
        error = collect(&collecting, &input->findings->items[i]);
    hashmap_fini(&collecting.indices);
    hashmap_fini(&collecting.places);
    if (error)
        faults_fini(out);
    return error;
}

void faults_fini(struct faults *faults)
{
    free(faults->items);
    *faults = (struct faults){0};
}
