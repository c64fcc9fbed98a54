/* GHashTable (Debian: libglib2.0-dev): 64-bit keys and values in its pointers, 16-byte keys in blocks of their own. */
#include <glib.h>

#include "peer.h"

#define auto_table GHashTable *

static GHashTable *u64_new(void)
{
    return g_hash_table_new(g_direct_hash, g_direct_equal);
}

PEER_INLINE void u64_insert(GHashTable *table, uint64_t key, uint64_t value)
{
    g_hash_table_insert(table, (gpointer)(uintptr_t)key, (gpointer)(uintptr_t)(value + 1));
}

/* Its values are pointers: what is pointed to is the last value found. */
static uint64_t found;

PEER_INLINE const uint64_t *u64_find(GHashTable *table, uint64_t key)
{
    gpointer value = g_hash_table_lookup(table, (gconstpointer)(uintptr_t)key);
    found = (uint64_t)(uintptr_t)value;
    return value ? &found : NULL;
}

PEER_INLINE void u64_delete(GHashTable *table, uint64_t key)
{
    g_hash_table_remove(table, (gconstpointer)(uintptr_t)key);
}

static uint64_t sum_of(GHashTable *table)
{
    uint64_t total = 0;
    GHashTableIter iter;
    gpointer key, value;
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &key, &value))
        total += (uint64_t)(uintptr_t)value;
    return total;
}

static guint key16_hash(gconstpointer at)
{
    const struct key16 *key = at;
    return (guint)(((key->a ^ (key->b << 32 | key->b >> 32)) * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean key16_equal(gconstpointer one, gconstpointer other)
{
    const struct key16 *a = one, *b = other;
    return a->a == b->a && a->b == b->b;
}

static GHashTable *key16_new(void)
{
    return g_hash_table_new_full(key16_hash, key16_equal, g_free, NULL);
}

PEER_INLINE void key16_insert(GHashTable *table, struct key16 key, uint64_t value)
{
    struct key16 *copy = g_new(struct key16, 1);
    *copy = key;
    g_hash_table_insert(table, copy, (gpointer)(uintptr_t)(value + 1));
}

PEER_INLINE const uint64_t *key16_find(GHashTable *table, struct key16 key)
{
    gpointer value = g_hash_table_lookup(table, &key);
    found = (uint64_t)(uintptr_t)value;
    return value ? &found : NULL;
}

PEER_INLINE void key16_delete(GHashTable *table, struct key16 key)
{
    g_hash_table_remove(table, &key);
}

#define u64_sum sum_of
#define key16_sum sum_of
PEER_LOOPS(u64, uint64_t)
PEER_LOOPS(key16, struct key16)

int main(int argc, char **argv)
{
    struct peer_data *data = peer_data_create(argc, argv);
    u64_measure(data);
    key16_measure(data);
    return 0;
}
