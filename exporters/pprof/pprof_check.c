/*
 * See pprof_check.h. protobuf-c takes the bytes apart, with a budget for its memory: a message of two bytes
 * becomes a hundred in memory. Then one function a table, one line a rule; the rules are in pprof_rules.c.
 */
#include "exporters/pprof/pprof_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/pprof/pprof_rules.h"
#include "model/profile.h"
#include "model/profile_limits.h"
#include "profile.pb-c.h"
#include "support/hashmap.h"
#include "support/utf8.h"

typedef Perftools__Profiles__Profile message;

struct checking {
    const message *profile;
    struct hashmap mappings, functions, locations; /* id -> index (size_t) */
    struct pprof_breach found[RULE_COUNT];
    bool out_of_memory;
};

/* ---- memory of protobuf-c ---- */

struct budget {
    size_t left;
    bool is_spent;
};

static void *spend(void *self, size_t size)
{
    struct budget *budget = self;
    if (size > budget->left) {
        budget->is_spent = true;
        return NULL;
    }
    budget->left -= size;
    return malloc(size);
}

static void unspend(void *self, void *memory)
{
    (void)self; /* only ever freed as a whole */
    free(memory);
}

/* ---- what is wrong ---- */

/* `index` counts from 1; 0 = the table as a whole. */
static void breach(struct checking *checking, enum pprof_rule_id rule, const char *table, uint64_t index)
{
    struct pprof_breach *found = &checking->found[rule];
    if (found->count++)
        return;
    if (index)
        snprintf(found->where, sizeof found->where, "%s %" PRIu64, table, index);
    else
        snprintf(found->where, sizeof found->where, "%s", table);
}

/* The text of a string, or NULL with the breach noted. */
static const char *text_at(struct checking *checking, int64_t index, const char *table, uint64_t row)
{
    if (index >= 0 && (uint64_t)index < checking->profile->n_string_table)
        return checking->profile->string_table[index];
    breach(checking, RULE_STRING_INDEX, table, row);
    return NULL;
}

static bool is_empty(const char *text)
{
    return text && !text[0];
}

/* ---- tables ---- */

static void check_strings(struct checking *checking)
{
    const message *profile = checking->profile;
    if (profile->n_string_table == 0 || profile->string_table[0][0])
        breach(checking, RULE_FIRST_STRING, "string table", 0);
    for (size_t i = 0; i < profile->n_string_table; i++) {
        size_t length = strlen(profile->string_table[i]);
        if (!utf8_is_valid(profile->string_table[i], length))
            breach(checking, RULE_UTF8, "string", i);
        if (length > PROFILE_STRING_MAX)
            breach(checking, RULE_STRING_LENGTH, "string", i);
    }
}

static void check_order_of_types(struct checking *checking)
{
    const message *profile = checking->profile;
    size_t contentions = SIZE_MAX, delay = SIZE_MAX;
    for (size_t i = 0; i < profile->n_sample_type; i++) {
        const char *name = text_at(checking, profile->sample_type[i]->type, "sample type", i + 1);
        contentions = name && strcmp(name, "contentions") == 0 ? i : contentions;
        delay = name && strcmp(name, "delay") == 0 ? i : delay;
    }
    bool has_default = profile->default_sample_type != 0;
    if (contentions != SIZE_MAX && delay != SIZE_MAX &&
        (contentions != 0 || (delay != profile->n_sample_type - 1 && !has_default)))
        breach(checking, RULE_TYPE_ORDER, "sample types", 0);
}

static void check_types(struct checking *checking)
{
    const message *profile = checking->profile;
    bool has_default = profile->default_sample_type == 0;
    if (profile->n_sample_type == 0)
        breach(checking, RULE_TYPES, "profile", 0);
    if (profile->n_sample_type > PROFILE_VALUES_MAX)
        breach(checking, RULE_TYPE_COUNT, "profile", 0);
    for (size_t i = 0; i < profile->n_sample_type; i++) {
        const Perftools__Profiles__ValueType *type = profile->sample_type[i];
        const char *name = text_at(checking, type->type, "sample type", i + 1);
        if (is_empty(name) || is_empty(text_at(checking, type->unit, "sample type", i + 1)))
            breach(checking, RULE_TYPE_NAME, "sample type", i + 1);
        if (name && strchr(name, '-'))
            breach(checking, RULE_TYPE_DASH, "sample type", i + 1);
        has_default |= type->type == profile->default_sample_type;
    }
    if (!has_default)
        breach(checking, RULE_DEFAULT_TYPE, "profile", 0);
    check_order_of_types(checking);
}

static void check_header(struct checking *checking)
{
    const message *profile = checking->profile;
    const Perftools__Profiles__ValueType *period = profile->period_type;
    if (!period || is_empty(text_at(checking, period->type, "period type", 0)) ||
        is_empty(text_at(checking, period->unit, "period type", 0)))
        breach(checking, RULE_PERIOD_TYPE, "profile", 0);
    if (profile->time_nanos <= 0)
        breach(checking, RULE_TIME, "profile", 0);
    if (profile->duration_nanos < 0)
        breach(checking, RULE_DURATION, "profile", 0);
    text_at(checking, profile->default_sample_type, "default_sample_type", 0);
    text_at(checking, profile->drop_frames, "drop_frames", 0);
    text_at(checking, profile->keep_frames, "keep_frames", 0);
    text_at(checking, profile->doc_url, "doc_url", 0);
    for (size_t i = 0; i < profile->n_comment; i++)
        text_at(checking, profile->comment[i], "comment", i + 1);
}

static void take_id(struct checking *checking, struct hashmap *ids, uint64_t id, size_t index, const char *table)
{
    bool is_new;
    size_t *known = hashmap_put(ids, &id, &is_new);
    if (!known) {
        checking->out_of_memory = true;
        return;
    }
    if (!is_new || id == 0)
        breach(checking, RULE_ID, table, index + 1);
    else if (id != index + 1)
        breach(checking, RULE_ID_ORDER, table, index + 1);
    *known = index;
}

static void check_mappings(struct checking *checking)
{
    for (size_t i = 0; i < checking->profile->n_mapping; i++) {
        const Perftools__Profiles__Mapping *mapping = checking->profile->mapping[i];
        take_id(checking, &checking->mappings, mapping->id, i, "mapping");
        text_at(checking, mapping->filename, "mapping", i + 1);
        const char *build_id = text_at(checking, mapping->build_id, "mapping", i + 1);
        if (build_id && build_id[strspn(build_id, "0123456789abcdef")])
            breach(checking, RULE_BUILD_ID, "mapping", i + 1);
        if (mapping->memory_start >= mapping->memory_limit)
            breach(checking, RULE_MAPPING_RANGE, "mapping", i + 1);
    }
}

static void check_functions(struct checking *checking)
{
    for (size_t i = 0; i < checking->profile->n_function; i++) {
        const Perftools__Profiles__Function *function = checking->profile->function[i];
        take_id(checking, &checking->functions, function->id, i, "function");
        text_at(checking, function->system_name, "function", i + 1);
        text_at(checking, function->filename, "function", i + 1);
        if (is_empty(text_at(checking, function->name, "function", i + 1)))
            breach(checking, RULE_FUNCTION_NAME, "function", i + 1);
    }
}

/* The mapping of a location; NULL = it has none. */
static const Perftools__Profiles__Mapping *mapping_of(struct checking *checking,
                                                      const Perftools__Profiles__Location *location, size_t row)
{
    const size_t *index = hashmap_find(&checking->mappings, &location->mapping_id);
    if (location->mapping_id == 0)
        return NULL;
    if (index)
        return checking->profile->mapping[*index];
    breach(checking, RULE_LOCATION_MAPPING, "location", row);
    return NULL;
}

static void check_location(struct checking *checking, const Perftools__Profiles__Location *location, size_t row)
{
    const Perftools__Profiles__Mapping *mapping = mapping_of(checking, location, row);
    if (location->address == 0)
        breach(checking, RULE_LOCATION_ADDRESS, "location", row);
    else if (mapping && mapping->memory_start < mapping->memory_limit &&
             (location->address < mapping->memory_start || location->address >= mapping->memory_limit))
        breach(checking, RULE_LOCATION_RANGE, "location", row);
    if (location->n_line == 0 && (!mapping || mapping->has_functions))
        breach(checking, RULE_LOCATION_NAMELESS, "location", row);
    for (size_t i = 0; i < location->n_line; i++)
        if (location->line[i]->function_id == 0 || !hashmap_find(&checking->functions, &location->line[i]->function_id))
            breach(checking, RULE_LINE_FUNCTION, "location", row);
}

static void check_locations(struct checking *checking)
{
    for (size_t i = 0; i < checking->profile->n_location; i++) {
        const Perftools__Profiles__Location *location = checking->profile->location[i];
        take_id(checking, &checking->locations, location->id, i, "location");
        check_location(checking, location, i + 1);
    }
}

static void check_labels(struct checking *checking, const Perftools__Profiles__Sample *sample, size_t row)
{
    if (sample->n_label > PROFILE_LABELS_MAX)
        breach(checking, RULE_LABEL_COUNT, "sample", row);
    for (size_t i = 0; i < sample->n_label; i++) {
        const Perftools__Profiles__Label *label = sample->label[i];
        const char *key = text_at(checking, label->key, "sample", row);
        const char *text = text_at(checking, label->str, "sample", row);
        text_at(checking, label->num_unit, "sample", row);
        if (is_empty(key))
            breach(checking, RULE_LABEL_KEY, "sample", row);
        if (label->str && (label->num || label->num_unit))
            breach(checking, RULE_LABEL_BOTH, "sample", row);
        if ((key && strlen(key) > PROFILE_LABEL_KEY_MAX) || (text && strlen(text) > PROFILE_LABEL_TEXT_MAX))
            breach(checking, RULE_LABEL_LENGTH, "sample", row);
    }
}

static void check_sample(struct checking *checking, const Perftools__Profiles__Sample *sample, size_t row)
{
    if (sample->n_value != checking->profile->n_sample_type)
        breach(checking, RULE_SAMPLE_VALUES, "sample", row);
    for (size_t i = 0; i < sample->n_value; i++)
        if (sample->value[i] < 0)
            breach(checking, RULE_NEGATIVE_VALUE, "sample", row);
    if (sample->n_location_id == 0)
        breach(checking, RULE_SAMPLE_STACK, "sample", row);
    for (size_t i = 0; i < sample->n_location_id; i++)
        if (sample->location_id[i] == 0 || !hashmap_find(&checking->locations, &sample->location_id[i]))
            breach(checking, RULE_SAMPLE_LOCATION, "sample", row);
    check_labels(checking, sample, row);
}

static void check_samples(struct checking *checking)
{
    if (checking->profile->n_sample > PROFILE_SAMPLES_MAX)
        breach(checking, RULE_SAMPLE_COUNT, "profile", 0);
    for (size_t i = 0; i < checking->profile->n_sample; i++)
        check_sample(checking, checking->profile->sample[i], i + 1);
}

/* ---- the whole ---- */

static void describe_types(const message *profile, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < profile->n_sample_type && used < size; i++) {
        const int64_t ids[] = {profile->sample_type[i]->type, profile->sample_type[i]->unit};
        const char *texts[2];
        for (int k = 0; k < 2; k++)
            texts[k] = ids[k] >= 0 && (uint64_t)ids[k] < profile->n_string_table ? profile->string_table[ids[k]] : "?";
        used += (size_t)snprintf(out + used, size - used, "%s%s/%s", i ? " " : "", texts[0], texts[1]);
    }
    for (char *c = out; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

static void conclude(const struct checking *checking, unsigned consumers, struct pprof_verdict *out)
{
    const message *profile = checking->profile;
    *out = (struct pprof_verdict){.samples = profile->n_sample,
                                  .locations = profile->n_location,
                                  .functions = profile->n_function,
                                  .mappings = profile->n_mapping,
                                  .strings = profile->n_string_table};
    describe_types(profile, out->types, sizeof out->types);
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (!checking->found[i].count || !(pprof_rules[i].consumers & consumers))
            continue;
        out->breaches[out->breach_count] = checking->found[i];
        out->breaches[out->breach_count++].rule = &pprof_rules[i];
    }
}

static void check(struct checking *checking, size_t size)
{
    if (size > PROFILE_BYTES_MAX)
        breach(checking, RULE_SIZE, "profile", 0);
    check_strings(checking);
    check_types(checking);
    check_header(checking);
    check_mappings(checking);
    check_functions(checking);
    check_locations(checking);
    check_samples(checking);
}

int pprof_check(const void *bytes, size_t size, unsigned consumers, struct pprof_verdict *out, struct diag *diag)
{
    struct budget budget = {.left = PPROF_CHECK_MEMORY};
    ProtobufCAllocator allocator = {.alloc = spend, .free = unspend, .allocator_data = &budget};
    message *profile = size ? perftools__profiles__profile__unpack(&allocator, size, bytes) : NULL;
    if (!profile && budget.is_spent)
        return diag_set(diag, -ENOMEM, "as a profile it would take more than 1 GiB of memory");
    if (!profile)
        return diag_set(diag, -EINVAL, size ? "it is no profile.proto (pprof) file, or it is cut off" : "it is empty");
    struct checking checking = {.profile = profile};
    hashmap_init(&checking.mappings, sizeof(uint64_t), sizeof(size_t));
    hashmap_init(&checking.functions, sizeof(uint64_t), sizeof(size_t));
    hashmap_init(&checking.locations, sizeof(uint64_t), sizeof(size_t));
    check(&checking, size);
    conclude(&checking, consumers, out);
    hashmap_fini(&checking.mappings);
    hashmap_fini(&checking.functions);
    hashmap_fini(&checking.locations);
    perftools__profiles__profile__free_unpacked(profile, &allocator);
    return checking.out_of_memory ? diag_errno(diag, ENOMEM, "cannot check the profile") : 0;
}
