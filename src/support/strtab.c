/* See strtab.h. Open addressing over ids; the bytes live in an arena. */
#include "support/strtab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"
#include "support/fnv.h"
#include "support/vec.h"

struct entry {
    const char *text;
    size_t length;
    uint64_t hash;
};

struct strtab {
    struct arena bytes;
    struct entry *entries;
    size_t count, capacity;
    uint32_t *slots;   /* id + 1; 0 = free */
    size_t slot_count; /* power of two */
};

static uint64_t hash_text(const char *text, size_t length)
{
    uint64_t hash = fnv_mix(FNV_BEGIN, text, length);
    hash ^= hash >> 32; /* a finaliser for the low bits */
    return hash * UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t *find_slot(const struct strtab *table, uint32_t *slots, size_t slot_count, uint64_t hash,
                           const char *text, size_t length)
{
    size_t mask = slot_count - 1;
    for (size_t i = (hash >> 32) & mask;; i = (i + 1) & mask) {
        if (slots[i] == 0)
            return &slots[i];
        const struct entry *entry = &table->entries[slots[i] - 1];
        if (entry->hash == hash && entry->length == length && memcmp(entry->text, text, length) == 0)
            return &slots[i];
    }
}

static int grow_slots(struct strtab *table)
{
    size_t slot_count = table->slot_count ? table->slot_count * 2 : 256;
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (!slots)
        return -ENOMEM;
    for (size_t id = 0; id < table->count; id++) {
        const struct entry *entry = &table->entries[id];
        *find_slot(table, slots, slot_count, entry->hash, entry->text, entry->length) = (uint32_t)id + 1;
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = slot_count;
    return 0;
}

int strtab_create(struct strtab **out)
{
    struct strtab *table = calloc(1, sizeof *table);
    if (!table)
        return -ENOMEM;
    arena_init(&table->bytes);
    str_id empty;
    int error = strtab_intern(table, "", 0, &empty);
    if (error) {
        strtab_destroy(table);
        return error;
    }
    *out = table;
    return 0;
}

void strtab_destroy(struct strtab *table)
{
    if (!table)
        return;
    arena_fini(&table->bytes);
    free(table->entries);
    free(table->slots);
    free(table);
}

int strtab_intern(struct strtab *table, const char *text, size_t length, str_id *out)
{
    if ((table->count + 1) * 2 > table->slot_count) {
        int error = grow_slots(table);
        if (error)
            return error;
    }
    uint64_t hash = hash_text(text, length);
    uint32_t *slot = find_slot(table, table->slots, table->slot_count, hash, text, length);
    if (*slot) {
        *out = *slot - 1;
        return 0;
    }
    if (table->count >= UINT32_MAX - 1)
        return -EOVERFLOW;
    int error = VEC_RESERVE(table->entries, table->count, table->capacity, 1);
    if (error)
        return error;
    char *copy = arena_copy(&table->bytes, text, length);
    if (!copy)
        return -ENOMEM;
    table->entries[table->count] = (struct entry){.text = copy, .length = length, .hash = hash};
    *out = (str_id)table->count++;
    *slot = *out + 1;
    return 0;
}

const char *strtab_text(const struct strtab *table, str_id id)
{
    return table->entries[id].text;
}

size_t strtab_length(const struct strtab *table, str_id id)
{
    return table->entries[id].length;
}

size_t strtab_count(const struct strtab *table)
{
    return table->count;
}
