/* uthash (Debian: uthash-dev), nodes from malloc. */
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "peer.h"

#define auto_table struct table *

#define DEFINE(NAME, KEY)                                                                                              \
    struct NAME##_node {                                                                                               \
        KEY key;                                                                                                       \
        uint64_t value;                                                                                                \
        UT_hash_handle hh;                                                                                             \
    };                                                                                                                 \
    static struct NAME##_node **NAME##_new(void)                                                                       \
    {                                                                                                                  \
        return (struct NAME##_node **)calloc(1, sizeof(struct NAME##_node *));                                         \
    }                                                                                                                  \
    PEER_INLINE void NAME##_insert(struct NAME##_node **table, KEY key, uint64_t value)                                \
    {                                                                                                                  \
        struct NAME##_node *node = NULL, *head = *table;                                                               \
        HASH_FIND(hh, head, &key, sizeof key, node);                                                                   \
        if (!node) {                                                                                                   \
            node = malloc(sizeof *node);                                                                               \
            if (!node)                                                                                                 \
                exit(1);                                                                                               \
            node->key = key;                                                                                           \
            HASH_ADD(hh, head, key, sizeof key, node);                                                                 \
            *table = head;                                                                                             \
        }                                                                                                              \
        node->value = value;                                                                                           \
    }                                                                                                                  \
    PEER_INLINE const uint64_t *NAME##_find(struct NAME##_node **table, KEY key)                                       \
    {                                                                                                                  \
        struct NAME##_node *node = NULL, *head = *table;                                                               \
        HASH_FIND(hh, head, &key, sizeof key, node);                                                                   \
        return node ? &node->value : NULL;                                                                             \
    }                                                                                                                  \
    PEER_INLINE void NAME##_delete(struct NAME##_node **table, KEY key)                                                \
    {                                                                                                                  \
        struct NAME##_node *node = NULL, *head = *table;                                                               \
        HASH_FIND(hh, head, &key, sizeof key, node);                                                                   \
        HASH_DEL(head, node);                                                                                          \
        *table = head;                                                                                                 \
        free(node);                                                                                                    \
    }                                                                                                                  \
    static uint64_t NAME##_sum(struct NAME##_node **table)                                                             \
    {                                                                                                                  \
        uint64_t sum = 0;                                                                                              \
        for (struct NAME##_node *node = *table; node; node = node->hh.next)                                            \
            sum += node->value;                                                                                        \
        return sum;                                                                                                    \
    }                                                                                                                  \
    PEER_LOOPS(NAME, KEY)

#undef auto_table
#define auto_table struct u64_node **
DEFINE(u64, uint64_t)
#undef auto_table
#define auto_table struct key16_node **
DEFINE(key16, struct key16)

int main(int argc, char **argv)
{
    struct peer_data *data = peer_data_create(argc, argv);
    u64_measure(data);
    key16_measure(data);
    return 0;
}
