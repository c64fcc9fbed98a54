/* The environment that the recorded program gets, and the libraries in it. */
#include "support/cmocka_main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/session/environment.h"
#include "collector/session/preload.h"
#include "collector/session/tree.h"

static char *const base[] = {(char[]){"HOME=/h"}, (char[]){"LD_PRELOAD=a.so"}, (char[]){"LD=x"}, NULL};

static void test_changes_are_made_to_a_copy(void **state)
{
    (void)state;
    struct environment environment;
    assert_int_equal(environment_init(&environment, base), 0);
    assert_int_equal(environment_set(&environment, "HOME", "/other"), 0);
    assert_int_equal(environment_set(&environment, "NEW", ""), 0);
    assert_string_equal(environment_get(&environment, "HOME"), "/other");
    assert_string_equal(environment_get(&environment, "NEW"), "");
    assert_null(environment_get(&environment, "L"));
    assert_string_equal(base[0], "HOME=/h");
    assert_int_equal(environment.count, 4);
    assert_null(environment.items[4]);
    environment_fini(&environment);
}

static void test_unset_removes_every_one_of_the_name_and_no_other(void **state)
{
    (void)state;
    char *const twice[] = {(char[]){"A=1"}, (char[]){"B=2"}, (char[]){"A=3"}, NULL};
    struct environment environment;
    assert_int_equal(environment_init(&environment, twice), 0);
    environment_unset(&environment, "A");
    environment_unset(&environment, "C");
    assert_int_equal(environment.count, 1);
    assert_string_equal(environment.items[0], "B=2");
    assert_null(environment.items[1]);
    environment_fini(&environment);
}

static void test_prepend_keeps_what_the_user_has(void **state)
{
    (void)state;
    struct environment environment;
    assert_int_equal(environment_init(&environment, base), 0);
    assert_int_equal(environment_prepend(&environment, "LD_PRELOAD", "ours.so"), 0);
    assert_string_equal(environment_get(&environment, "LD_PRELOAD"), "ours.so:a.so");
    assert_int_equal(environment_prepend(&environment, "EMPTY", "ours.so"), 0);
    assert_string_equal(environment_get(&environment, "EMPTY"), "ours.so");
    environment_fini(&environment);
}

/* An installation: FOLDER/bin and FOLDER/`libraries` with our library in it. */
static void install(char *folder, const char *suffix, const char *libraries)
{
    char path[256];
    sprintf(folder, "/tmp/mapscope-preload-XXXXXX");
    assert_non_null(mkdtemp(folder));
    strcat(folder, suffix);
    if (*suffix)
        assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/bin", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/%s", folder, libraries);
    assert_int_equal(mkdir(path, 0700), 0);
    strcat(path, "/libmapscope-lttng.so.0");
    assert_true(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
}

static void test_libraries_are_found_beside_the_program(void **state)
{
    (void)state;
    char folder[128], bin[160], expected[512], *value = NULL;
    install(folder, "", "lib64");
    snprintf(bin, sizeof bin, "%s/bin", folder);
    assert_int_equal(preload_find_beside(bin, true, &value, NULL), 0);
    snprintf(expected, sizeof expected,
             "%s/lib64/libmapscope.so.0:%s/lib64/libmapscope-preload.so.0:%s/lib64/libmapscope-lttng.so.0:"
             "liblttng-ust-fork.so.1",
             folder, folder, folder);
    assert_string_equal(value, expected);
    free(value);
    assert_int_equal(preload_find_beside(bin, false, &value, NULL), 0);
    snprintf(expected, sizeof expected,
             "%s/lib64/libmapscope.so.0:%s/lib64/libmapscope-lttng.so.0:liblttng-ust-fork.so.1", folder, folder);
    assert_string_equal(value, expected);
    free(value);
    assert_int_equal(tree_remove(AT_FDCWD, folder), 0);
    assert_int_equal(preload_find_beside(bin, true, &value, NULL), -ENOENT);
}

static void test_a_path_that_cannot_be_preloaded_is_named(void **state)
{
    (void)state;
    char folder[128], bin[160], *value = NULL;
    install(folder, "/my project", "lib");
    snprintf(bin, sizeof bin, "%s/bin", folder);
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(preload_find_beside(bin, true, &value, &diag), -EINVAL);
    assert_non_null(strstr(diag_text(&diag), "/my project/lib: the path has a colon or a blank"));
    diag_fini(&diag);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(tree_remove(AT_FDCWD, folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_are_made_to_a_copy),
        cmocka_unit_test(test_unset_removes_every_one_of_the_name_and_no_other),
        cmocka_unit_test(test_prepend_keeps_what_the_user_has),
        cmocka_unit_test(test_libraries_are_found_beside_the_program),
        cmocka_unit_test(test_a_path_that_cannot_be_preloaded_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
