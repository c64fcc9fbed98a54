/* See syncmap_table.h. */
#include "runtime/syncmap_table.h"

#include "runtime/memory.h"

enum { SLOTS_MIN = 8 };

static bool is_full(uint64_t slots, size_t count)
{
    return count >= slots - slots / 4;
}

struct syncmap_table *syncmap_table_create(size_t count)
{
    uint64_t slots = SLOTS_MIN;
    while (is_full(slots, count)) {
        if (slots > SIZE_MAX / 2 / sizeof(struct syncmap_slot))
            return NULL;
        slots *= 2;
    }
    struct syncmap_table *table = memory.allocate(sizeof *table + slots * sizeof table->slots[0]);
    if (table)
        table->mask = slots - 1;
    return table;
}

size_t syncmap_table_bytes(const struct syncmap_table *table)
{
    return sizeof *table + (table->mask + 1) * sizeof table->slots[0];
}

static void put(struct syncmap_table *table, struct syncmap_slot slot)
{
    uint64_t i = slot.hash & table->mask;
    while (table->slots[i].entry)
        i = (i + 1) & table->mask;
    table->slots[i] = slot;
    table->count++;
}

bool syncmap_table_add(struct syncmap_table **table, struct syncmap_slot slot)
{
    if (is_full((*table)->mask + 1, (*table)->count)) {
        struct syncmap_table *larger = syncmap_table_create((*table)->count * 2);
        if (!larger)
            return false;
        for (uint64_t i = 0; i <= (*table)->mask; i++)
            if ((*table)->slots[i].entry)
                put(larger, (*table)->slots[i]);
        memory.release(*table);
        *table = larger;
    }
    put(*table, slot);
    return true;
}

/* What follows without a gap moves up, unless that would carry it before its own first choice. */
void syncmap_table_remove(struct syncmap_table *table, struct syncmap_slot slot)
{
    uint64_t hole = slot.hash & table->mask;
    while (table->slots[hole].entry != slot.entry)
        hole = (hole + 1) & table->mask;
    for (uint64_t i = (hole + 1) & table->mask; table->slots[i].entry; i = (i + 1) & table->mask) {
        uint64_t first_choice = table->slots[i].hash & table->mask;
        if (((i - first_choice) & table->mask) >= ((i - hole) & table->mask)) {
            table->slots[hole] = table->slots[i];
            hole = i;
        }
    }
    table->slots[hole] = (struct syncmap_slot){0};
    table->count--;
}
