/*
 * See timeline_parts.h: assigns that are held back until it is known what becomes of them, and what operations are
 * called.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_parts.h"

static const char *const verbs[TIMELINE_OP_COUNT] = {[TIMELINE_ASSIGN] = "assign",
                                                     [TIMELINE_ACCESS] = "access",
                                                     [TIMELINE_MISS] = "miss",
                                                     [TIMELINE_DELETE] = "delete",
                                                     [TIMELINE_STALE_DELETE] = "STALE delete",
                                                     [TIMELINE_CLEAR] = "clear",
                                                     [TIMELINE_ITERATE] = "iterate"};

int timeline_name_ops(struct timeline_builder *timeline, struct timeline_map *map, struct event_text name)
{
    for (size_t op = 0; op < TIMELINE_OP_COUNT; op++) {
        map->op_names[op] = timeline_lasting_title(timeline, verbs[op], name, map->key.address);
        if (!map->op_names[op])
            return -ENOMEM;
    }
    return 0;
}

const char *timeline_name_op(const struct timeline_map *map, enum timeline_op op, const char *key, char *buffer)
{
    if (!key)
        return map->op_names[op];
    size_t verb_length = strlen(verbs[op]);
    size_t key_length = strnlen(key, TIMELINE_OP_NAME_BYTES - verb_length - 2);
    memcpy(buffer, verbs[op], verb_length);
    buffer[verb_length] = ' ';
    memcpy(buffer + verb_length + 1, key, key_length);
    buffer[verb_length + 1 + key_length] = '\0';
    return buffer;
}

void timeline_arg_change(struct timeline_args *args, uint64_t key_id, uint64_t version, uint64_t seq)
{
    timeline_arg(args, TIMELINE_ARG_KEY_ID, key_id);
    timeline_arg(args, TIMELINE_ARG_VERSION, version);
    timeline_arg(args, TIMELINE_ARG_SEQ, seq == version ? 0 : seq);
}

int timeline_put_held(struct timeline_builder *timeline, const struct timeline_map *map, uint64_t key_id,
                      const struct timeline_held *held, const struct timeline_ending *ending, uint64_t flow_id)
{
    char name[TIMELINE_OP_NAME_BYTES];
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg_change(&args, key_id, held->version, held->seq);
    timeline_arg(&args, TIMELINE_ARG_INSERTED, held->inserted);
    timeline_arg_text(&args, TIMELINE_ARG_SITE, held->site);
    struct timeline_slice slice = {.name = timeline_name_op(map, TIMELINE_ASSIGN, held->key, name),
                                   .category = "map",
                                   .flow_id = flow_id,
                                   .flow = flow_id ? TIMELINE_FLOW_OUT : TIMELINE_FLOW_NONE,
                                   .is_lasting = !held->key};
    int error = timeline_put_slice(timeline, held->row, &held->span, &args, &slice);
    const struct timeline_story *story = error ? NULL : timeline_story_of(map, key_id);
    return story ? timeline_put_version(timeline, story, held, ending) : error;
}

int timeline_put_all_held(struct timeline_builder *timeline, struct timeline_map *map,
                          const struct timeline_ending *ending)
{
    const void *key;
    void *value;
    int error = 0;
    for (size_t at = 0; !error && hashmap_next(&map->held, &at, &key, &value);)
        error = timeline_put_held(timeline, map, *(const uint64_t *)key, value, ending, 0);
    timeline_drop_all_held(map);
    return error;
}

void timeline_drop_all_held(struct timeline_map *map)
{
    const void *key;
    void *value;
    for (size_t at = 0; map->has_keys && hashmap_next(&map->held, &at, &key, &value);)
        free(((struct timeline_held *)value)->key);
    hashmap_fini(&map->held);
}
