/* The events of msc_map, field by field, through a recording tracer and a clock that shows 1000, 1010, ... */
#include "map_fixture.h"
#include "mapscope/map_template.h"
#include "recorder.h"
#include "runtime/map_trace.h"

static uint64_t address(const void *object)
{
    return (uint64_t)(uintptr_t)object;
}

/* The ids that no event may share with another key's. */
static uint64_t id_of(uint64_t key)
{
    return hash_u64(key, config.key_seed);
}

/* Whether the first address of a record's stack lies in the function; they are short. */
static void assert_called_from(const struct record *record, const void *function)
{
    assert_true(record->stack_count > 0);
    assert_in_range(record->stack_leaf, (uintptr_t)function, (uintptr_t)function + 4096);
}

static void test_a_map_has_a_beginning_and_an_end(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_BYTES, 24, 100);
    uint64_t seed = map->hash0;
    const struct msc_ev_map_life *life = &recorded(MSC_EVENT_MAP_ALLOC, 0)->life;
    assert_int_equal(life->map, address(map));
    assert_int_equal(life->map_gen, map->identity.generation);
    assert_string_equal(recorded(MSC_EVENT_MAP_ALLOC, 0)->text, "under test");
    assert_int_equal(life->flavor, MSC_FLAVOR_MAP);
    assert_int_equal(life->flags, 0);
    assert_int_equal(life->key_size, 0);
    assert_int_equal(life->value_size, 24);
    assert_int_equal(life->hint, 100);
    assert_int_equal(life->B, 4);
    assert_int_equal(life->hash0, seed);
    assert_int_equal(life->count, 0);
    assert_true(recorded(MSC_EVENT_MAP_ALLOC, 0)->stack_count > 0);
    assert_int_equal(msc_map_assign_bytes(map, "k", 1, NULL), 0);
    msc_map_destroy(map);
    assert_int_equal(recorded(MSC_EVENT_MAP_FREE, 0)->life.map_gen, life->map_gen);
    assert_int_equal(recorded(MSC_EVENT_MAP_FREE, 0)->life.count, 1);
    struct msc_map *next = make_map(MSC_KEY_U64, 0, 0);
    assert_int_equal(recorded(MSC_EVENT_MAP_ALLOC, 1)->life.map_gen, life->map_gen + 1);
    assert_int_equal(recorded(MSC_EVENT_MAP_ALLOC, 1)->life.key_size, 8);
    msc_map_destroy(next);
}

static void test_an_assign_tells_where_and_how_the_entry_lies(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 100);
    struct map_key five = map_key_u64(5);
    uint64_t hash = map_hash(map, &five);
    thread_self.scope = 71, thread_self.action = 72;
    assert_int_equal(msc_map_assign_u64(map, 5, NULL), 0);
    thread_self.scope = thread_self.action = 0;
    assert_int_equal(msc_map_assign_u64(map, 5, NULL), 0);

    const struct record *record = recorded(MSC_EVENT_MAP_ASSIGN, 0);
    const struct msc_ev_map_assign *assign = &record->assign;
    assert_int_equal(assign->map, address(map));
    assert_int_equal(assign->map_gen, map->identity.generation);
    assert_int_equal(assign->seq, 1);
    assert_int_equal(assign->key_id, id_of(5));
    assert_int_equal(assign->rate, 1);
    assert_int_equal(assign->hash, hash);
    assert_int_equal(assign->tophash, msc_map_tophash(hash));
    assert_int_equal(assign->bucket, hash & 15);
    assert_int_equal(assign->begin_ns, 1000);
    assert_int_equal(assign->end_ns, 1010);
    assert_int_equal(assign->inserted, 1);
    assert_int_equal(assign->overflow, 0);
    assert_int_equal(assign->version, 1);
    assert_int_equal(assign->evac_moved, 0);
    assert_int_equal(assign->evac_ns, 0);
    assert_int_equal(assign->scope, 71);
    assert_int_equal(assign->action, 72);
    assert_null(assign->key);
    assert_int_equal(assign->key_len, 0);
    assert_called_from(record, (const void *)test_an_assign_tells_where_and_how_the_entry_lies);

    assign = &recorded(MSC_EVENT_MAP_ASSIGN, 1)->assign;
    assert_int_equal(assign->seq, 2);
    assert_int_equal(assign->inserted, 0);
    assert_int_equal(assign->version, 2);
    assert_int_equal(assign->scope + assign->action, 0);
    msc_map_destroy(map);
}

static void test_an_assign_counts_the_overflow_buckets_before_its_entry(void **state)
{
    (void)state;
    struct subject *subject = subject_create(MSC_KEY_BYTES, 18, 100);
    make_colliding(subject, 0, 6);
    for (size_t i = 0; i < 18; i++)
        must_assign(subject, i, i);
    assert_int_equal(recorded(MSC_EVENT_MAP_ASSIGN, 7)->assign.overflow, 0);
    assert_int_equal(recorded(MSC_EVENT_MAP_ASSIGN, 8)->assign.overflow, 1);
    assert_int_equal(recorded(MSC_EVENT_MAP_ASSIGN, 16)->assign.overflow, 2);
    subject_destroy(subject);
}

static void test_key_bytes_are_recorded_only_if_asked_for(void **state)
{
    (void)state;
    struct msc_map *numbers = make_map(MSC_KEY_U64, 0, 0), *strings = make_map(MSC_KEY_BYTES, 0, 0);
    config.record_keys = true;
    assert_int_equal(msc_map_assign_u64(numbers, 0x1122, NULL), 0);
    assert_int_equal(msc_map_assign_bytes(strings, "a\0b", 3, NULL), 0);
    uint64_t number = 0x1122;
    assert_int_equal(recorded(MSC_EVENT_MAP_ASSIGN, 0)->assign.key_len, 8);
    assert_memory_equal(recorded(MSC_EVENT_MAP_ASSIGN, 0)->text, &number, 8);
    assert_int_equal(recorded(MSC_EVENT_MAP_ASSIGN, 1)->assign.key_len, 3);
    assert_memory_equal(recorded(MSC_EVENT_MAP_ASSIGN, 1)->text, "a\0b", 3);
    assert_int_equal(recorded(MSC_EVENT_MAP_ASSIGN, 1)->assign.key_id, hash_bytes("a\0b", 3, 7));
    msc_map_destroy(numbers);
    msc_map_destroy(strings);
}

static void assert_op(const struct record *record, uint64_t seq, uint64_t begin_ns, uint32_t found, uint64_t version)
{
    assert_int_equal(record->op.seq, seq);
    assert_int_equal(record->op.key_id, id_of(5));
    assert_int_equal(record->op.rate, 1);
    assert_int_equal(record->op.begin_ns, begin_ns);
    assert_int_equal(record->op.end_ns, begin_ns + 10);
    assert_int_equal(record->op.found, found);
    assert_int_equal(record->op.version, version);
    assert_int_equal(record->op.scope, 71);
    assert_int_equal(record->op.action, 72);
    assert_int_equal(record->op.count, 0);
}

static void test_accesses_and_deletes_tell_what_they_found(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0);
    thread_self.scope = 71, thread_self.action = 72;
    assert_null(msc_map_find_u64(map, 5));                            /* 1000: a miss */
    assert_int_equal(msc_map_assign_u64(map, 6, NULL), 0);            /* 1020 */
    assert_int_equal(msc_map_assign_u64(map, 5, NULL), 0);            /* 1040 */
    assert_int_equal(msc_map_load_u64(map, 5, NULL), 0);              /* 1060 */
    assert_int_equal(msc_map_delete_version_u64(map, 5, 1), -ESTALE); /* 1080: left alone */
    assert_int_equal(msc_map_delete_u64(map, 5), 0);                  /* 1100 */
    assert_int_equal(msc_map_delete_u64(map, 5), -ENOENT);            /* 1120 */
    thread_self.scope = thread_self.action = 0;
    assert_op(recorded(MSC_EVENT_MAP_ACCESS, 0), 0, 1000, 0, 0);
    assert_op(recorded(MSC_EVENT_MAP_ACCESS, 1), 2, 1060, 1, 2);
    assert_op(recorded(MSC_EVENT_MAP_DELETE, 0), 2, 1080, 0, 2);
    assert_op(recorded(MSC_EVENT_MAP_DELETE, 1), 3, 1100, 1, 2);
    assert_op(recorded(MSC_EVENT_MAP_DELETE, 2), 3, 1120, 0, 0);
    assert_int_equal(recorded(MSC_EVENT_MAP_ACCESS, 1)->stack_count, 0);
    assert_called_from(recorded(MSC_EVENT_MAP_DELETE, 1), (const void *)test_accesses_and_deletes_tell_what_they_found);
    msc_map_destroy(map);
}

static void test_a_clear_tells_how_many_it_removed(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0);
    for (uint64_t key = 0; key < 3; key++)
        assert_int_equal(msc_map_assign_u64(map, key, NULL), 0);
    config.map_rate = 0; /* a clear concerns every key */
    config_apply(&config);
    assert_int_equal(msc_map_clear(map), 0);
    const struct record *record = recorded(MSC_EVENT_MAP_CLEAR, 0);
    assert_int_equal(record->op.seq, 4);
    assert_int_equal(record->op.count, 3);
    assert_int_equal(record->op.found, 1);
    assert_int_equal(record->op.key_id, 0);
    assert_int_equal(record->op.begin_ns, 1060);
    assert_int_equal(record->op.end_ns, 1070);
    assert_called_from(record, (const void *)test_a_clear_tells_how_many_it_removed);
    msc_map_destroy(map);
}

/* The 14th insert doubles two buckets and evacuates both. */
static void test_a_growth_has_a_beginning_and_an_end(void **state)
{
    (void)state;
    config.map_rate = 0; /* never dropped by sampling */
    config_apply(&config);
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 13);
    for (uint64_t key = 0; key < 13; key++)
        assert_int_equal(msc_map_assign_u64(map, key, NULL), 0);
    uint32_t noverflow = (uint32_t)map->noverflow;
    config.map_rate = 1;
    config_apply(&config);
    assert_int_equal(msc_map_assign_u64(map, 13, NULL), 0);
    const struct msc_ev_map_grow *grow = &recorded(MSC_EVENT_MAP_GROW, 0)->grow;
    assert_int_equal(grow->map, address(map));
    assert_int_equal(grow->map_gen, map->identity.generation);
    assert_int_equal(grow->seq, 14);
    assert_int_equal(grow->old_B, 1);
    assert_int_equal(grow->new_B, 2);
    assert_int_equal(grow->noverflow, noverflow);
    assert_int_equal(grow->count, 13);
    assert_int_equal(grow->same_size, 0);
    assert_int_equal(grow->bytes, 4 * (8 * (8 + map->layout.value_size) + 64 + 8));
    const struct msc_ev_map_grow_end *end = &recorded(MSC_EVENT_MAP_GROW_END, 0)->grow_end;
    assert_int_equal(end->map_gen, map->identity.generation);
    assert_int_equal(end->seq, 14);
    assert_int_equal(end->moved, 13);
    assert_int_equal(end->steps, 2);
    assert_int_equal(end->evac_ns, 10);
    const struct msc_ev_map_assign *assign = &recorded(MSC_EVENT_MAP_ASSIGN, 0)->assign;
    assert_int_equal(assign->evac_moved, 13);
    assert_int_equal(assign->evac_ns, 10);
    assert_int_equal(assign->end_ns - assign->begin_ns, 30);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_GROW), 1);
    msc_map_destroy(map);
}

static void test_a_growth_is_ended_by_a_clear(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0);
    for (uint64_t key = 0; key < 105; key++)
        assert_int_equal(msc_map_assign_u64(map, key, NULL), 0);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_GROW), 5);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_GROW_END), 4);
    assert_int_equal(msc_map_clear(map), 0);
    assert_int_equal(recorded(MSC_EVENT_MAP_GROW_END, 4)->grow_end.seq, 106);
    assert_int_equal(recorded(MSC_EVENT_MAP_GROW_END, 4)->grow_end.steps, 2);
    msc_map_destroy(map);
}

static void test_an_iteration_tells_what_happened_meanwhile(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0);
    struct msc_map_iter iter;
    for (uint64_t key = 0; key < 8; key++)
        assert_int_equal(msc_map_assign_u64(map, key, NULL), 0);
    thread_self.action = 72;
    assert_int_equal(msc_map_iter_begin(map, &iter), 0);
    assert_int_equal(msc_map_iter_next(&iter), 1);
    assert_int_equal(msc_map_iter_next(&iter), 1);
    assert_int_equal(msc_map_assign_u64(map, 8, NULL), 0);
    msc_map_iter_end(&iter);
    thread_self.action = 0;
    const struct msc_ev_map_iter *begin = &recorded(MSC_EVENT_MAP_ITER_BEGIN, 0)->iter;
    const struct msc_ev_map_iter *end = &recorded(MSC_EVENT_MAP_ITER_END, 0)->iter;
    assert_int_equal(begin->map, address(map));
    assert_int_equal(begin->map_gen, map->identity.generation);
    assert_int_not_equal(begin->iter, 0);
    assert_int_equal(begin->count, 8);
    assert_int_equal(begin->visited + begin->grew + begin->mutated, 0);
    assert_int_equal(begin->action, 72);
    assert_int_equal(end->iter, begin->iter);
    assert_int_equal(end->count, 9);
    assert_int_equal(end->visited, 2);
    assert_int_equal(end->grew, 1);
    assert_int_equal(end->mutated, 1);
    assert_called_from(recorded(MSC_EVENT_MAP_ITER_BEGIN, 0),
                       (const void *)test_an_iteration_tells_what_happened_meanwhile);
    msc_map_destroy(map);
}

static void assert_copied(const struct record *record, const struct msc_map *source, const struct msc_map *copy)
{
    assert_int_equal(record->copy.src, address(source));
    assert_int_equal(record->copy.src_gen, source->identity.generation);
    assert_int_equal(record->copy.dst, address(copy));
    assert_int_equal(record->copy.dst_gen, copy->identity.generation);
    assert_int_equal(record->copy.action, 72);
    assert_true(record->stack_count > 0);
}

static void test_copies_handles_and_exchanges_name_both_maps(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0), *copy = NULL;
    for (uint64_t key = 0; key < 3; key++)
        assert_int_equal(msc_map_assign_u64(map, key, NULL), 0);
    thread_self.action = 72;
    assert_int_equal(msc_map_clone(map, &copy), 0);
    assert_int_equal(msc_map_delete_u64(copy, 0), 0);
    msc_map_alias(map);
    assert_int_equal(msc_map_swap(map, copy), 0);
    thread_self.action = 0;
    assert_copied(recorded(MSC_EVENT_MAP_CLONE, 0), map, copy);
    assert_copied(recorded(MSC_EVENT_MAP_ALIAS, 0), map, map);
    assert_copied(recorded(MSC_EVENT_MAP_SWAP, 0), map, copy);
    assert_int_equal(recorded(MSC_EVENT_MAP_CLONE, 0)->copy.count, 3);
    assert_int_equal(recorded(MSC_EVENT_MAP_CLONE, 0)->copy.deep, 1);
    assert_int_equal(recorded(MSC_EVENT_MAP_ALIAS, 0)->copy.handle, 2);
    assert_int_equal(recorded(MSC_EVENT_MAP_ALIAS, 0)->copy.deep, 0);
    assert_int_equal(recorded(MSC_EVENT_MAP_SWAP, 0)->copy.count, 2);
    assert_int_equal(recorded(MSC_EVENT_MAP_ALLOC, 1)->life.map, address(copy));
    msc_map_destroy(map);
    msc_map_destroy(map);
    msc_map_destroy(copy);
}

static void assert_fault(size_t n, const struct msc_map *map, uint32_t kind, uint64_t key_id, uint32_t other_tid)
{
    const struct record *record = recorded(MSC_EVENT_MAP_FAULT, n);
    assert_int_equal(record->fault.map, address(map));
    assert_int_equal(record->fault.map_gen, map ? map->identity.generation : 0);
    assert_int_equal(record->fault.kind, kind);
    assert_int_equal(record->fault.key_id, key_id);
    assert_int_equal(record->fault.tid, thread_tid());
    assert_int_equal(record->fault.other_tid, other_tid);
    assert_true((record->fault.other_pc != 0) == (other_tid != 0));
    assert_true(record->stack_count > 0);
}

static void test_each_misuse_is_a_fault_that_names_the_other_thread(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0);
    struct msc_map_iter iter;
    config.map_rate = 0; /* never dropped by sampling */
    config_apply(&config);
    assert_int_equal(msc_map_iter_begin(map, &iter), 0);
    assert_int_equal(msc_map_assign_u64(map, 5, NULL), 0);
    msc_map_iter_end(&iter);
    assert_int_equal(msc_map_iter_begin(map, &iter), 0);
    map->head.guard.writer = 4242;
    msc_map_assign_u64(map, 5, NULL);
    msc_map_delete_u64(map, 5);
    msc_map_clear(map);
    msc_map_find_u64(map, 5);
    msc_map_iter_next(&iter);
    map->head.guard.writer = 0;
    msc_map_assign_bytes(map, "k", 1, NULL);
    msc_map_assign_u64(NULL, 5, NULL);
    msc_map_find_u64(NULL, 5); /* none */
    assert_fault(0, map, MSC_FAULT_CONCURRENT_WRITE, id_of(5), 4242);
    assert_fault(1, map, MSC_FAULT_CONCURRENT_WRITE, id_of(5), 4242);
    assert_fault(2, map, MSC_FAULT_CONCURRENT_WRITE, 0, 4242);
    assert_fault(3, map, MSC_FAULT_READ_WRITE, id_of(5), 4242);
    assert_fault(4, map, MSC_FAULT_ITERATE_WRITE, 0, 4242);
    assert_fault(5, map, MSC_FAULT_UNHASHABLE, 0, 0);
    assert_fault(6, NULL, MSC_FAULT_NIL_MAP, id_of(5), 0);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_FAULT), 7);
    msc_map_iter_end(&iter);
    msc_map_destroy(map);
}

static bool falls_under(uint64_t key, uint32_t rate)
{
    return msc_hash_start(&key, sizeof key, msc_hash_seed_of(config.key_seed)) <= UINT64_MAX / rate;
}

static void sample(uint32_t rate)
{
    config.map_rate = rate;
    config_apply(&config);
}

/* Of each key all operations or none; of 1000 keys about a tenth: 100 +- 6 sigma. */
static void test_a_sampled_key_keeps_its_whole_history(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0);
    sample(10);
    for (uint64_t key = 0; key < 1000; key++) {
        assert_int_equal(msc_map_assign_u64(map, key, NULL), 0);
        msc_map_find_u64(map, key);
        assert_int_equal(msc_map_delete_u64(map, key), 0);
    }
    size_t kept = 0;
    for (uint64_t key = 0; key < 1000; key++) {
        if (!falls_under(key, 10))
            continue;
        assert_int_equal(recorded(MSC_EVENT_MAP_ASSIGN, kept)->assign.key_id, id_of(key));
        assert_int_equal(recorded(MSC_EVENT_MAP_ASSIGN, kept)->assign.seq, 2 * key + 1);
        assert_int_equal(recorded(MSC_EVENT_MAP_ASSIGN, kept)->assign.rate, 10);
        assert_int_equal(recorded(MSC_EVENT_MAP_ACCESS, kept)->op.key_id, id_of(key));
        assert_int_equal(recorded(MSC_EVENT_MAP_DELETE, kept)->op.key_id, id_of(key));
        kept++;
    }
    assert_in_range(kept, 43, 157);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_ASSIGN), kept);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_ACCESS), kept);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_DELETE), kept);
    msc_map_destroy(map);
}

MSC_MAP_TEMPLATE(typed, uint64_t, uint64_t, msc_u64_hash, msc_u64_equal);

/* The program decides what the library does for maps without types, while the map grows, too. */
static void test_typed_look_ups_keep_the_same_keys(void **state)
{
    (void)state;
    struct typed *map = NULL;
    assert_int_equal(typed_create("typed", 0, &map), 0);
    sample(10);
    size_t accesses = 0, assigns = 0;
    bool grew = false;
    for (uint64_t key = 0; key < 1000; key++) {
        assert_int_equal(typed_assign(map, key, &key), 0);
        grew |= typed_map(map)->old != NULL;
        assert_int_equal(*typed_find(map, key / 2), key / 2);
        assert_null(typed_find(map, key + 1000));
        assigns += falls_under(key, 10);
        accesses += (size_t)falls_under(key / 2, 10) + falls_under(key + 1000, 10);
    }
    assert_true(grew);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_ASSIGN), assigns);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_ACCESS), accesses);
    typed_destroy(map);
}

static uint64_t identity_of(const void *key, struct msc_hash_seed seed)
{
    (void)seed;
    return *(const uint64_t *)key == 7 ? 0 : UINT64_MAX;
}

static void test_a_type_with_identities_of_its_own_is_sampled_by_them(void **state)
{
    (void)state;
    struct msc_map_type type = typed_type();
    type.identity = identity_of;
    struct msc_map_options options = {.type = &type};
    struct typed *map = NULL;
    assert_int_equal(typed_create_with(options, &map), 0);
    sample(10);
    for (uint64_t key = 0; key < 100; key++) {
        assert_int_equal(typed_assign(map, key, &key), 0);
        assert_non_null(typed_find(map, key));
        assert_int_equal(typed_delete(map, key), 0);
    }
    assert_int_equal(recorded_count(MSC_EVENT_MAP_ASSIGN), 1);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_ACCESS), 1);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_DELETE), 1);
    typed_destroy(map);
}

/* Writes that are not kept are timed now and then, on behalf of all. */
static void test_growth_tells_its_time_whatever_is_sampled(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0);
    sample(0);
    for (uint64_t key = 0; recorded_count(MSC_EVENT_MAP_GROW_END) < 8; key++)
        assert_int_equal(msc_map_assign_u64(map, key, NULL), 0);
    const struct msc_ev_map_grow_end *end = &recorded(MSC_EVENT_MAP_GROW_END, 7)->grow_end;
    assert_int_equal(end->steps, 128);
    assert_in_range(end->evac_ns, 640, 1280); /* a step of one or two buckets takes 10 */
    assert_in_range(clock_reads, 2, 200);
    msc_map_destroy(map);
}

static void test_rate_0_keeps_no_key(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0);
    sample(0);
    assert_int_equal(msc_map_assign_u64(map, 5, NULL), 0);
    assert_non_null(msc_map_find_u64(map, 5));
    assert_int_equal(msc_map_delete_u64(map, 5), 0);
    assert_int_equal(record_count, 1); /* its allocation */
    assert_int_equal(clock_reads, 0);
    msc_map_destroy(map);
}

static void test_with_closed_gates_there_is_no_event_and_no_clock(void **state)
{
    (void)state;
    recorder_close_gates();
    struct subject *subject = subject_create(MSC_KEY_BYTES, 300, 0);
    for (size_t i = 0; i < 300; i++)
        must_assign(subject, i, i);
    check_all(subject);
    must_clear(subject);
    msc_map_assign_u64(subject->map, 1, NULL); /* a fault */
    assert_int_equal(subject->map->seq, 301);
    subject_destroy(subject);
    assert_int_equal(record_count, 0);
    assert_int_equal(clock_reads, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        recorder_test(test_a_map_has_a_beginning_and_an_end),
        recorder_test(test_an_assign_tells_where_and_how_the_entry_lies),
        recorder_test(test_an_assign_counts_the_overflow_buckets_before_its_entry),
        recorder_test(test_key_bytes_are_recorded_only_if_asked_for),
        recorder_test(test_accesses_and_deletes_tell_what_they_found),
        recorder_test(test_a_clear_tells_how_many_it_removed),
        recorder_test(test_a_growth_has_a_beginning_and_an_end),
        recorder_test(test_a_growth_is_ended_by_a_clear),
        recorder_test(test_an_iteration_tells_what_happened_meanwhile),
        recorder_test(test_copies_handles_and_exchanges_name_both_maps),
        recorder_test(test_each_misuse_is_a_fault_that_names_the_other_thread),
        recorder_test(test_a_sampled_key_keeps_its_whole_history),
        recorder_test(test_typed_look_ups_keep_the_same_keys),
        recorder_test(test_a_type_with_identities_of_its_own_is_sampled_by_them),
        recorder_test(test_growth_tells_its_time_whatever_is_sampled),
        recorder_test(test_rate_0_keeps_no_key),
        recorder_test(test_with_closed_gates_there_is_no_event_and_no_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
