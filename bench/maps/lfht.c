/* liburcu's lock-free resizable hash table (Debian: liburcu-dev), memb flavour, one thread; automatic resize. */
#define URCU_INLINE_SMALL_FUNCTIONS
#include <urcu/urcu-memb.h>

#include <urcu/rculfhash.h>

#include "peer.h"

#define auto_table struct cds_lfht *

struct u64_node {
    struct cds_lfht_node node;
    uint64_t key, value;
    struct rcu_head rcu;
};

struct key16_node {
    struct cds_lfht_node node;
    struct key16 key;
    uint64_t value;
    struct rcu_head rcu;
};

static inline unsigned long hash_u64(uint64_t key)
{
    key *= UINT64_C(0x9e3779b97f4a7c15);
    return key ^ key >> 32;
}

static inline unsigned long hash_key16(struct key16 key)
{
    return hash_u64(key.a ^ (key.b << 32 | key.b >> 32));
}

static inline int same_u64(uint64_t one, uint64_t other)
{
    return one == other;
}

static inline int same_key16(struct key16 one, struct key16 other)
{
    return one.a == other.a && one.b == other.b;
}

static struct cds_lfht *create(void)
{
    struct cds_lfht *table =
        cds_lfht_new_flavor(1, 1, 0, CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING, &urcu_memb_flavor, NULL);
    if (!table)
        exit(1);
    return table;
}

#define DEFINE(NAME, KEY)                                                                                              \
    static int NAME##_match(struct cds_lfht_node *node, const void *key)                                               \
    {                                                                                                                  \
        return same_##NAME(caa_container_of(node, struct NAME##_node, node)->key, *(const KEY *)key);                  \
    }                                                                                                                  \
    PEER_INLINE void NAME##_insert(struct cds_lfht *table, KEY key, uint64_t value)                                    \
    {                                                                                                                  \
        struct NAME##_node *node = malloc(sizeof *node);                                                               \
        if (!node)                                                                                                     \
            exit(1);                                                                                                   \
        node->key = key;                                                                                               \
        node->value = value;                                                                                           \
        urcu_memb_read_lock();                                                                                         \
        cds_lfht_add_unique(table, hash_##NAME(key), NAME##_match, &key, &node->node);                                 \
        urcu_memb_read_unlock();                                                                                       \
    }                                                                                                                  \
    PEER_INLINE const uint64_t *NAME##_find(struct cds_lfht *table, KEY key)                                           \
    {                                                                                                                  \
        struct cds_lfht_iter iter;                                                                                     \
        urcu_memb_read_lock();                                                                                         \
        cds_lfht_lookup(table, hash_##NAME(key), NAME##_match, &key, &iter);                                           \
        struct cds_lfht_node *node = cds_lfht_iter_get_node(&iter);                                                    \
        urcu_memb_read_unlock();                                                                                       \
        return node ? &caa_container_of(node, struct NAME##_node, node)->value : NULL;                                 \
    }                                                                                                                  \
    static void NAME##_free(struct rcu_head *head)                                                                     \
    {                                                                                                                  \
        free(caa_container_of(head, struct NAME##_node, rcu));                                                         \
    }                                                                                                                  \
    PEER_INLINE void NAME##_delete(struct cds_lfht *table, KEY key)                                                    \
    {                                                                                                                  \
        struct cds_lfht_iter iter;                                                                                     \
        urcu_memb_read_lock();                                                                                         \
        cds_lfht_lookup(table, hash_##NAME(key), NAME##_match, &key, &iter);                                           \
        struct cds_lfht_node *node = cds_lfht_iter_get_node(&iter);                                                    \
        if (node && cds_lfht_del(table, node) == 0)                                                                    \
            urcu_memb_call_rcu(&caa_container_of(node, struct NAME##_node, node)->rcu, NAME##_free);                   \
        urcu_memb_read_unlock();                                                                                       \
    }                                                                                                                  \
    static uint64_t NAME##_sum(struct cds_lfht *table)                                                                 \
    {                                                                                                                  \
        uint64_t sum = 0;                                                                                              \
        struct cds_lfht_iter iter;                                                                                     \
        struct NAME##_node *node;                                                                                      \
        urcu_memb_read_lock();                                                                                         \
        cds_lfht_for_each_entry(table, &iter, node, node) sum += node->value;                                          \
        urcu_memb_read_unlock();                                                                                       \
        return sum;                                                                                                    \
    }                                                                                                                  \
    PEER_LOOPS(NAME, KEY)

#define u64_new create
#define key16_new create
DEFINE(u64, uint64_t)
DEFINE(key16, struct key16)

int main(int argc, char **argv)
{
    struct peer_data *data = peer_data_create(argc, argv);
    urcu_memb_register_thread();
    u64_measure(data);
    key16_measure(data);
    fflush(stdout);
    _exit(0); /* without waiting for its helper threads */
}
