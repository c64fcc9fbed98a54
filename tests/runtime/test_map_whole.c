/* What concerns whole maps: room, copies, handles, exchange, comparison; destructors, allocators, large arrays. */
#include "map_fixture.h"
#include "mapscope/map_template.h"

/* Keys 0 .. count-1 with their number as value, some of them deleted again. */
static struct subject *subject_filled(enum msc_key_kind kind, size_t count)
{
    struct subject *subject = subject_create(kind, count, 0);
    for (size_t i = 0; i < count; i++)
        must_assign(subject, i, i);
    for (size_t i = 0; i < count; i += 7)
        must_delete(subject, i);
    return subject;
}

static void test_reserve_makes_room_so_that_no_growth_begins(void **state)
{
    (void)state;
    for (int kind = MSC_KEY_U64; kind <= MSC_KEY_BYTES; kind++) {
        struct subject *subject = subject_create((enum msc_key_kind)kind, 3000, 0);
        for (size_t i = 0; i < 105; i++)
            must_assign(subject, i, i); /* one that is growing */
        assert_non_null(subject->map->old);
        assert_int_equal(msc_map_reserve(subject->map, 3000), 0);
        const struct msc_map_table *table = subject->map->table;
        assert_int_equal(table->B, 9);
        check_all(subject);
        for (size_t i = 0; i < 3000; i++)
            must_assign(subject, i, i + 1);
        assert_ptr_equal(subject->map->table, table);
        assert_int_equal(msc_map_reserve(subject->map, 10), 0);
        assert_ptr_equal(subject->map->table, table);
        check_all(subject);
        subject_destroy(subject);
    }
}

static void test_shrink_goes_to_the_smallest_array(void **state)
{
    (void)state;
    struct subject *subject = subject_filled(MSC_KEY_BYTES, 2000);
    for (size_t i = 20; i < 2000; i++)
        must_delete(subject, i);
    assert_int_equal(msc_map_shrink(subject->map), 0);
    assert_int_equal(subject->map->table->B, 2);
    check_all(subject);
    for (size_t i = 0; i < 2000; i++)
        must_assign(subject, i, i);
    check_all(subject);
    must_clear(subject);
    assert_int_equal(msc_map_shrink(subject->map), 0);
    assert_int_equal(subject->map->table->B, 0);
    assert_int_equal(msc_map_shrink(NULL), 0);
    assert_int_equal(msc_map_reserve(NULL, 1), -EFAULT);
    subject_destroy(subject);
}

/* An iteration that was begun before finds each entry in the new array, once. */
static void test_an_iteration_goes_on_after_reserve_and_shrink(void **state)
{
    (void)state;
    for (int shrinks = 0; shrinks < 2; shrinks++)
        for (size_t count = 1; count < 240; count++) {
            struct subject *subject = subject_filled(MSC_KEY_BYTES, count + 1);
            struct msc_map_iter iter;
            size_t produced = 0, seen[241] = {0};
            assert_int_equal(msc_map_iter_begin(subject->map, &iter), 0);
            for (; msc_map_iter_next(&iter) == 1; produced++) {
                seen[index_of(subject, &iter)]++;
                if (produced == count / 3)
                    assert_int_equal(shrinks ? msc_map_shrink(subject->map) : msc_map_reserve(subject->map, 1000), 0);
            }
            msc_map_iter_end(&iter);
            assert_int_equal(produced, subject->count);
            for (size_t i = 0; i <= count; i++)
                assert_int_equal(seen[i], subject->expected[i].present);
            check_all(subject);
            subject_destroy(subject);
        }
}

static void test_a_clone_has_the_entries_and_a_life_of_its_own(void **state)
{
    (void)state;
    for (int kind = MSC_KEY_U64; kind <= MSC_KEY_BYTES; kind++)
        for (size_t count = 0; count < 120; count += 3) {
            struct subject *subject = subject_filled((enum msc_key_kind)kind, count);
            struct msc_map *original = subject->map, *copy = NULL;
            assert_int_equal(msc_map_clone(original, &copy), 0);
            assert_int_equal(msc_map_equal(original, copy), 1);
            subject->map = copy;
            check_all(subject); /* versions, too */
            if (count > 1) {
                uint64_t *value = kind == MSC_KEY_U64 ? msc_map_edit_u64(copy, 1) : NULL;
                if (value) {
                    *value = 99;
                    assert_int_equal(msc_map_equal(original, copy), 0);
                    *value = 1;
                }
                must_delete(subject, 1);
                assert_int_equal(msc_map_equal(original, copy), 0);
            }
            msc_map_destroy(original);
            check_all(subject);
            subject_destroy(subject);
        }
}

static void test_maps_of_another_type_are_not_compared(void **state)
{
    (void)state;
    struct msc_map *wide = make_map(MSC_KEY_U64, 8, 0), *narrow = make_map(MSC_KEY_U64, 4, 0);
    assert_int_equal(msc_map_equal(wide, narrow), -EINVAL);
    assert_int_equal(msc_map_swap(wide, narrow), -EINVAL);
    assert_int_equal(msc_map_equal(wide, NULL), 1);
    assert_int_equal(msc_map_equal(NULL, NULL), 1);
    assert_int_equal(msc_map_clone(NULL, &wide), -EFAULT);
    msc_map_destroy(wide);
    msc_map_destroy(narrow);
}

static void test_an_alias_is_the_same_map_until_the_last_handle(void **state)
{
    (void)state;
    struct msc_map *map = make_map(MSC_KEY_U64, 0, 0), *alias = msc_map_alias(map);
    assert_int_equal(msc_map_assign_u64(alias, 1, NULL), 0);
    msc_map_destroy(map);
    assert_non_null(msc_map_find_u64(alias, 1));
    msc_map_destroy(alias); /* leaks are the address sanitizer's to find */
    assert_null(msc_map_alias(NULL));
}

static void test_swap_exchanges_contents_but_not_identity(void **state)
{
    (void)state;
    struct subject *one = subject_filled(MSC_KEY_BYTES, 300), *other = subject_filled(MSC_KEY_BYTES, 105);
    struct msc_map *first = one->map, *second = other->map;
    uint64_t generation = first->identity.generation, seq = first->seq > second->seq ? first->seq : second->seq;
    assert_int_equal(msc_map_swap(first, second), 0);
    assert_int_equal(first->identity.generation, generation);
    assert_int_equal(first->seq, seq + 1);
    assert_int_equal(second->seq, seq + 1);
    one->map = second, other->map = first;
    check_all(one);
    check_all(other);
    must_assign(one, 0, 1);
    must_assign(other, 0, 1);
    check_all(one);
    struct msc_map_iter iter;
    assert_int_equal(msc_map_iter_begin(first, &iter), 0);
    assert_int_equal(msc_map_swap(first, second), -EBUSY);
    msc_map_iter_end(&iter);
    assert_int_equal(msc_map_swap(first, NULL), -EFAULT);
    assert_int_equal(msc_map_swap(first, first), 0);
    subject_destroy(one);
    subject_destroy(other);
}

/* ---- own keys and values: each made is destroyed once ---- */

struct name {
    char *text; /* owned; compared by what it says */
};

static int alive; /* texts */

static struct name make_name(int i)
{
    struct name name = {malloc(24)};
    assert_non_null(name.text);
    snprintf(name.text, 24, "name %d", i);
    alive++;
    return name;
}

static void destroy_name(void *at)
{
    free(((struct name *)at)->text);
    alive--;
}

static int clone_fails_at; /* the n-th from now; 0 = none */

static int clone_name(void *to, const void *from)
{
    if (clone_fails_at && --clone_fails_at == 0)
        return -EIO;
    *(struct name *)to = make_name(atoi(((const struct name *)from)->text + 5));
    return 0;
}

static inline uint64_t name_hash(const struct name *name, struct msc_hash_seed seed)
{
    return msc_hash_bytes(name->text, strlen(name->text), seed);
}

static inline bool name_equal(const struct name *name, const struct name *other)
{
    return strcmp(name->text, other->text) == 0;
}

static bool equal_names(const void *name, const void *other)
{
    return name_equal(name, other);
}

MSC_MAP_TEMPLATE(phonebook, struct name, struct name, name_hash, name_equal);

static struct phonebook *make_phonebook(const struct msc_allocator *allocator)
{
    struct msc_map_type type = phonebook_type();
    type.destroy_key = type.destroy_value = destroy_name;
    type.clone_key = type.clone_value = clone_name;
    type.equal_values = equal_names;
    struct msc_map_options options = {.name = "phonebook", .type = &type, .allocator = allocator};
    struct phonebook *book = NULL;
    assert_int_equal(phonebook_create_with(options, &book), 0);
    return book;
}

static void put_name(struct phonebook *book, int i)
{
    struct name value = make_name(i);
    assert_int_equal(phonebook_assign(book, make_name(i), &value), 0);
}

static int drop_name(struct phonebook *book, int i)
{
    struct name key = make_name(i);
    int error = phonebook_delete(book, key);
    destroy_name(&key);
    return error;
}

static void test_keys_and_values_are_destroyed_exactly_once(void **state)
{
    (void)state;
    struct phonebook *book = make_phonebook(NULL);
    for (int i = 0; i < 300; i++)
        put_name(book, i);
    assert_int_equal(alive, 600);
    put_name(book, 7); /* the new key and the old value go */
    assert_int_equal(alive, 600);
    assert_int_equal(drop_name(book, 8), 0);
    assert_int_equal(alive, 598);
    struct msc_map *copy = NULL;
    assert_int_equal(msc_map_clone(phonebook_map(book), &copy), 0);
    assert_int_equal(alive, 2 * 598);
    assert_int_equal(msc_map_equal(phonebook_map(book), copy), 1);
    assert_int_equal(msc_map_clear(copy), 0);
    assert_int_equal(alive, 598);
    msc_map_destroy(copy);
    phonebook_destroy(book);
    assert_int_equal(alive, 0);
}

/* Destroyed keys are still in the arrays that an open iteration goes through: it must not look at them. */
static void test_a_key_or_value_that_cannot_be_cloned_ends_the_clone(void **state)
{
    (void)state;
    enum { NAMES = 30 };
    struct phonebook *book = make_phonebook(NULL);
    struct msc_map *copy = NULL;
    for (int i = 0; i < NAMES; i++)
        put_name(book, i);
    int alive_before = alive;
    for (int n = 1; n <= 2 * NAMES; n++) { /* a key, a value, a key, ... */
        clone_fails_at = n;
        assert_int_equal(msc_map_clone(phonebook_map(book), &copy), -EIO);
        assert_null(copy);
        assert_int_equal(alive, alive_before);
    }
    clone_fails_at = 2 * NAMES + 1;
    assert_int_equal(msc_map_clone(phonebook_map(book), &copy), 0);
    assert_int_equal(alive, 2 * alive_before);
    clone_fails_at = 0;
    msc_map_destroy(copy);
    phonebook_destroy(book);
    assert_int_equal(alive, 0);
}

static void test_an_iteration_never_reads_a_destroyed_key(void **state)
{
    (void)state;
    for (int begin = 8; begin < 120; begin += 5) {
        struct phonebook *book = make_phonebook(NULL);
        for (int i = 0; i < begin; i++)
            put_name(book, i);
        struct phonebook_iter iter;
        assert_int_equal(phonebook_iter_begin(book, &iter), 0);
        assert_int_equal(phonebook_iter_next(&iter), 1);
        for (int i = begin; i < 900; i++) {
            put_name(book, i); /* several growths */
            if (i % 3 == 0)
                assert_int_equal(drop_name(book, i - begin), 0);
        }
        while (phonebook_iter_next(&iter) == 1)
            assert_string_equal(iter.key.text, iter.value->text);
        phonebook_iter_end(&iter);
        phonebook_destroy(book);
        assert_int_equal(alive, 0);
    }
}

/* ---- memory ---- */

struct pool {
    size_t bytes, largest;
};

/* What it gives is full of rubbish: nobody may rely on zeroes. */
static void *take(void *context, size_t size)
{
    struct pool *pool = context;
    void *block = malloc(size);
    if (block)
        memset(block, 0xaa, size);
    pool->bytes += size;
    pool->largest = size > pool->largest ? size : pool->largest;
    return block;
}

static void give_back(void *context, void *block, size_t size)
{
    ((struct pool *)context)->bytes -= size;
    free(block);
}

static void test_a_callers_allocator_gets_back_what_it_gave(void **state)
{
    (void)state;
    struct pool pool = {0};
    struct msc_allocator allocator = {take, give_back, &pool};
    for (int kind = MSC_KEY_U64; kind <= MSC_KEY_BYTES; kind++) {
        struct subject *subject = subject_create((enum msc_key_kind)kind, UNIVERSE_MAX, 0);
        struct msc_map_options options = {.struct_size = sizeof options,
                                          .key = (enum msc_key_kind)kind,
                                          .value_size = sizeof(uint64_t),
                                          .allocator = &allocator};
        msc_map_destroy(subject->map);
        assert_int_equal(msc_map_create(&options, &subject->map), 0);
        for (uint64_t step = 0; step < 30000; step++) {
            size_t i = draw(subject, UNIVERSE_MAX);
            if (step % 4 == 3)
                must_delete(subject, i);
            else
                must_assign(subject, i, step);
            if (step % 1000 == 0)
                check_all(subject);
        }
        struct msc_map *copy = NULL;
        assert_int_equal(msc_map_clone(subject->map, &copy), 0);
        assert_int_equal(msc_map_equal(copy, subject->map), 1);
        msc_map_destroy(copy);
        must_clear(subject);
        must_assign(subject, 1, 1);
        check_all(subject);
        subject_destroy(subject);
        assert_int_equal(pool.bytes, 0);
    }
    struct phonebook *book = make_phonebook(&allocator);
    put_name(book, 1);
    phonebook_destroy(book);
    assert_int_equal(pool.bytes, 0);
    assert_int_equal(alive, 0);
}

/* Beyond MAP_TABLE_MAPPED the array is mapped, and given back while it is evacuated. */
static void test_a_large_array_goes_piece_by_piece(void **state)
{
    (void)state;
    enum { COUNT = 60000 };
    struct msc_map *map = make_map(MSC_KEY_U64, 8, 0);
    bool partly = false, in_trash = false;
    for (uint64_t key = 0; key < COUNT; key++) {
        assert_int_equal(msc_map_assign_u64(map, key, &key), 0);
        partly |=
            map->old && map->old->pairs.begin > map->old->view.pairs && map->old->pairs.begin < map->old->pairs.end;
        in_trash |= map->trash && !map->old;
        if (map->old && key % 64 == 0)
            for (uint64_t other = 0; other <= key; other += 97)
                assert_int_equal(*(const uint64_t *)msc_map_find_u64(map, other), other);
    }
    assert_true(map->table->mapped && partly && in_trash);
    struct msc_map_iter iter;
    uint64_t produced = 0, sum = 0;
    assert_int_equal(msc_map_iter_begin(map, &iter), 0);
    for (; msc_map_iter_next(&iter) == 1; produced++) {
        sum += iter.key.number;
        uint64_t key = COUNT + produced;
        if (produced < COUNT)
            assert_int_equal(msc_map_assign_u64(map, key, &key), 0); /* grows meanwhile */
    }
    msc_map_iter_end(&iter);
    assert_true(produced >= COUNT && sum >= (uint64_t)COUNT * (COUNT - 1) / 2);
    check_structure(map);
    assert_int_equal(msc_map_clear(map), 0);
    assert_int_equal(msc_map_shrink(map), 0);
    assert_null(msc_map_find_u64(map, 5));
    msc_map_destroy(map);
}

/* An iteration may not read what was given back before it began, so a deleted key need not be forgotten there. */
static void test_a_key_is_deleted_whose_old_bucket_was_given_back(void **state)
{
    (void)state;
    enum { COUNT = 60000 };
    static uint32_t texts[COUNT];
    struct msc_map *map = make_map(MSC_KEY_BYTES_BORROWED, 8, 0);
    struct msc_map_iter iter;
    bool begun = false, kept_old = false;
    for (uint32_t i = 0; i < COUNT; i++) {
        texts[i] = i;
        assert_int_equal(msc_map_assign_bytes(map, &texts[i], sizeof texts[i], &(uint64_t){i}), 0);
        if (!begun && map->old && map->old->pairs.begin > map->old->view.pairs) {
            begun = true;
            assert_int_equal(msc_map_iter_begin(map, &iter), 0);
        }
        kept_old |= begun && atomic_load(&map->limbo_tables);
    }
    assert_true(begun && kept_old);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(msc_map_delete_bytes(map, &texts[i], sizeof texts[i]), 0);
    assert_int_equal(msc_map_iter_next(&iter), 0);
    msc_map_iter_end(&iter);
    msc_map_destroy(map);
}

static void test_every_kind_of_key_is_told_apart(void **state)
{
    (void)state;
    static const enum msc_key_kind kinds[] = {MSC_KEY_U32, MSC_KEY_POINTER, MSC_KEY_BYTES_BORROWED};
    static char texts[500][8];
    for (size_t k = 0; k < 3; k++) {
        struct msc_map *map = make_map(kinds[k], 4, 0);
        for (uint32_t i = 0; i < 500; i++) {
            snprintf(texts[i], sizeof texts[i], "%u", i);
            int error = k == 0   ? msc_map_assign_u32(map, i, &i)
                        : k == 1 ? msc_map_assign_ptr(map, texts[i], &i)
                                 : msc_map_assign_bytes(map, texts[i], strlen(texts[i]), &i);
            assert_int_equal(error, 0);
        }
        for (uint32_t i = 0; i < 500; i += 2) {
            const uint32_t *found = k == 0   ? msc_map_find_u32(map, i)
                                    : k == 1 ? msc_map_find_ptr(map, texts[i])
                                             : msc_map_find_bytes(map, texts[i], strlen(texts[i]));
            assert_non_null(found);
            assert_int_equal(*found, i);
            int error = k == 0   ? msc_map_delete_u32(map, i)
                        : k == 1 ? msc_map_delete_ptr(map, texts[i])
                                 : msc_map_delete_bytes(map, texts[i], strlen(texts[i]));
            assert_int_equal(error, 0);
        }
        assert_int_equal(msc_map_assign_u64(map, 1, NULL), -EINVAL);
        struct msc_map_iter iter;
        assert_int_equal(msc_map_iter_begin(map, &iter), 0);
        while (msc_map_iter_next(&iter) == 1) {
            uint32_t i = *(uint32_t *)iter.value;
            assert_true(k == 0   ? iter.key.number == i
                        : k == 1 ? iter.key.pointer == texts[i]
                                 : iter.key.bytes == texts[i] && iter.key_length == strlen(texts[i]));
        }
        msc_map_iter_end(&iter);
        assert_int_equal(msc_map_count(map), 250);
        msc_map_destroy(map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserve_makes_room_so_that_no_growth_begins),
        cmocka_unit_test(test_shrink_goes_to_the_smallest_array),
        cmocka_unit_test(test_an_iteration_goes_on_after_reserve_and_shrink),
        cmocka_unit_test(test_a_clone_has_the_entries_and_a_life_of_its_own),
        cmocka_unit_test(test_maps_of_another_type_are_not_compared),
        cmocka_unit_test(test_an_alias_is_the_same_map_until_the_last_handle),
        cmocka_unit_test(test_swap_exchanges_contents_but_not_identity),
        cmocka_unit_test(test_keys_and_values_are_destroyed_exactly_once),
        cmocka_unit_test(test_a_key_or_value_that_cannot_be_cloned_ends_the_clone),
        cmocka_unit_test(test_an_iteration_never_reads_a_destroyed_key),
        cmocka_unit_test(test_a_callers_allocator_gets_back_what_it_gave),
        cmocka_unit_test(test_a_large_array_goes_piece_by_piece),
        cmocka_unit_test(test_a_key_is_deleted_whose_old_bucket_was_given_back),
        cmocka_unit_test(test_every_kind_of_key_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
