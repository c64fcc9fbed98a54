/* Typed maps: the worked example of the header, and what a type can say of its keys and values. */
#include <errno.h>
#include <stdio.h>

#include "mapscope/map_template.h"
#include "support/cmocka_main.h"

struct point {
    int32_t x, y;
};

struct city {
    char name[24];
};

static inline uint64_t point_hash(const struct point *point, struct msc_hash_seed seed)
{
    return msc_hash_bytes(point, sizeof *point, seed);
}

static inline bool point_equal(const struct point *point, const struct point *other)
{
    return point->x == other->x && point->y == other->y;
}

MSC_MAP_TEMPLATE(atlas, struct point, struct city, point_hash, point_equal);
MSC_MAP_TEMPLATE(ages, uint32_t, int, msc_u32_hash, msc_u32_equal);

static struct point at(int32_t i)
{
    return (struct point){i, -i};
}

static void test_a_typed_map_does_what_its_namesakes_do(void **state)
{
    (void)state;
    struct atlas *map = NULL;
    struct city city = {"Rome"};
    assert_int_equal(atlas_create("atlas", 0, &map), 0);
    assert_null(atlas_find(map, at(1)));
    for (int32_t i = 0; i < 5000; i++) {
        snprintf(city.name, sizeof city.name, "city %d", i);
        assert_int_equal(atlas_assign(map, at(i), &city), 0);
        assert_string_equal(atlas_find(map, at(i / 2))->name,
                            i / 2 == i ? city.name : atlas_edit(map, at(i / 2))->name);
    }
    assert_int_equal(atlas_count(map), 5000);
    assert_int_equal(atlas_version(map, at(7)), 8);
    assert_int_equal(atlas_delete_version(map, at(7), 9), -ESTALE);
    assert_int_equal(atlas_delete(map, at(7)), 0);
    assert_int_equal(atlas_delete(map, at(7)), -ENOENT);
    assert_int_equal(atlas_load(map, at(8), &city), 0);
    assert_string_equal(city.name, "city 8");
    size_t seen = 0;
    struct atlas_iter iter;
    assert_int_equal(atlas_iter_begin(map, &iter), 0);
    for (; atlas_iter_next(&iter) == 1; seen++) {
        snprintf(city.name, sizeof city.name, "city %d", iter.key.x);
        assert_string_equal(iter.value->name, city.name);
    }
    atlas_iter_end(&iter);
    assert_int_equal(seen, 4999);
    atlas_destroy(map);
}

static void test_a_null_typed_map_is_empty(void **state)
{
    (void)state;
    struct ages *none = NULL;
    int age = 1;
    assert_null(ages_find(none, 1));
    assert_int_equal(ages_assign(none, 1, &age), -EFAULT);
    assert_int_equal(ages_delete(none, 1), -ENOENT);
    assert_int_equal(ages_count(none), 0);
    ages_destroy(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_typed_map_does_what_its_namesakes_do),
        cmocka_unit_test(test_a_null_typed_map_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
