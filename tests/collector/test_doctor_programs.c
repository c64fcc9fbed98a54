/* The doctor's checks on programs and libraries made for them: what can be preloaded, and what is known of its code. */
#include "collector/doctor_fixture.h"

#include "collector/doctor/library.h"

static void test_each_line_has_its_subject_verdict_and_mend(void **state)
{
    (void)state;
    struct checkup lines;
    checkup_init(&lines);
    lines.subject = "one";
    checkup_ok(&lines, "%d fine", 1);
    lines.subject = "two";
    checkup_problem(&lines, "broken");
    checkup_mend(&lines, "mend %s", "it");
    checkup_note(&lines, "odd");
    assert_int_equal(lines.count, 3);
    assert_string_equal(lines.lines[0].subject, "one");
    assert_string_equal(lines.lines[0].found, "1 fine");
    assert_null(lines.lines[0].mend);
    assert_string_equal(lines.lines[1].subject, "two");
    assert_string_equal(lines.lines[1].mend, "mend it");
    assert_int_equal(checkup_count(&lines, VERDICT_OK), 1);
    assert_int_equal(checkup_count(&lines, VERDICT_NOTE), 1);
    assert_int_equal(checkup_count(&lines, VERDICT_PROBLEM), 1);
    checkup_fini(&lines);
}

/* ---- programs ---- */

#define LOADER "/bin/sh" /* any executable file will do: nothing is run */

static void test_a_program_that_can_be_preloaded(void **state)
{
    (void)state;
    examine_elf(&(struct tiny_elf){.interpreter = LOADER}, check_executable);
    expect(VERDICT_OK, "./program: ");
    expect(VERDICT_OK, "linked dynamically");
}

static void test_programs_that_cannot_be_preloaded(void **state)
{
    (void)state;
    examine_elf(&(struct tiny_elf){.type = ET_EXEC}, check_executable);
    expect(VERDICT_PROBLEM, "linked statically");
    expect_mend("without -static");
    examine_elf(&(struct tiny_elf){.interpreter = "/nowhere/ld.so"}, check_executable);
    expect(VERDICT_PROBLEM, "the loader /nowhere/ld.so, which is not there");
    write_elf("ld-musl-x86_64.so.1", &(struct tiny_elf){0});
    char loader[64];
    snprintf(loader, sizeof loader, "%s/ld-musl-x86_64.so.1", folder);
    examine_elf(&(struct tiny_elf){.interpreter = loader}, check_executable);
    expect(VERDICT_PROBLEM, "built with musl");
    examine_elf(&(struct tiny_elf){.machine = EM_RISCV}, check_executable);
    expect(VERDICT_PROBLEM, "a 64-bit program for riscv");
    examine_elf(&(struct tiny_elf){.type = ET_REL}, check_executable);
    expect(VERDICT_PROBLEM, "no program but an object file");
}

static void test_programs_that_are_not_there(void **state)
{
    (void)state;
    examine("./nowhere", check_executable);
    expect(VERDICT_PROBLEM, "cannot run ./nowhere: No such file");
    examine("mapscope-has-no-such-program", check_executable);
    expect(VERDICT_PROBLEM, "no such program in PATH");
    examine("/etc/passwd", check_executable);
    expect(VERDICT_PROBLEM, "cannot run /etc/passwd: Permission denied");
    examine("/", check_executable);
    expect(VERDICT_PROBLEM, "cannot run /: Permission denied");
    write_file("empty", "", 0);
    examine("./empty", check_executable);
    expect(VERDICT_PROBLEM, "./empty: not an ELF file");
}

static void expect_runner(const char *text, const char *runner)
{
    char found[256];
    write_file("script", text, strlen(text));
    examine("./script", check_executable);
    assert_int_equal(checkup.count, 2);
    snprintf(found, sizeof found, "./script: a script, run by %s", runner);
    assert_string_equal(checkup.lines[0].found, found);
    expect(VERDICT_OK, "linked dynamically");
}

static void test_a_script_is_judged_by_what_runs_it(void **state)
{
    (void)state;
    char first[128], runner[64];
    write_elf("runner", &(struct tiny_elf){.interpreter = LOADER});
    snprintf(runner, sizeof runner, "%s/runner", folder);
    snprintf(first, sizeof first, "#! %s -x\n", runner);
    expect_runner(first, runner);
    snprintf(first, sizeof first, "#!/usr/bin/env %s\n", runner);
    expect_runner(first, runner);
    expect_runner("#!/usr/bin/env -S sh -e\n", "/usr/bin/env");
    expect_runner("echo no first line\n", "/bin/sh");
    write_elf("runner", &(struct tiny_elf){.type = ET_EXEC});
    write_file("script", first, strlen(first));
    examine("./script", check_executable);
    expect(VERDICT_PROBLEM, "runner is linked statically");
    write_file("script", "#!\n", 3);
    examine("./script", check_executable);
    expect(VERDICT_PROBLEM, "does not say what runs it");
    write_file("script", "#!/nowhere/sh\n", 14);
    examine("./script", check_executable);
    expect(VERDICT_PROBLEM, "/nowhere/sh: No such file");
}

static void test_an_address_sanitizer_of_its_own_library_must_come_first(void **state)
{
    (void)state;
    unsetenv("ASAN_OPTIONS");
    const struct tiny_elf shared = {.needed = {"libasan.so.8", "libc.so.6"}};
    examine_elf(&shared, check_sanitizer);
    expect(VERDICT_PROBLEM, "AddressSanitizer ends the program");
    expect_mend("verify_asan_link_order=0");
    setenv("ASAN_OPTIONS", "abort_on_error=1:verify_asan_link_order=0", 1);
    examine_elf(&shared, check_sanitizer);
    expect(VERDICT_OK, "AddressSanitizer");
    unsetenv("ASAN_OPTIONS");
    examine_elf(&(struct tiny_elf){.symbol = "__asan_init"}, check_sanitizer);
    expect(VERDICT_NOTE, "AddressSanitizer: times are the sanitizer's");
    examine_elf(&(struct tiny_elf){.needed = {"libtsan.so.2"}}, check_sanitizer);
    expect(VERDICT_NOTE, "ThreadSanitizer");
    examine_elf(&(struct tiny_elf){.needed = {"libubsan.so.1"}}, check_sanitizer);
    assert_int_equal(checkup.count, 0);
}

static void test_libmapscope_counts_directly_and_through_a_library(void **state)
{
    (void)state;
    mkdir("lib", 0700);
    write_elf("lib/libown.so", &(struct tiny_elf){.needed = {"libmapscope.so.0"}});
    examine_elf(&(struct tiny_elf){.needed = {"libmapscope.so.0", "libmapscope-lttng.so.0"}}, check_linking);
    expect(VERDICT_OK, "linked with libmapscope-lttng");
    examine_elf(&(struct tiny_elf){.needed = {"libmapscope.so.0"}}, check_linking);
    expect(VERDICT_OK, "linked with libmapscope: ");
    examine_elf(&(struct tiny_elf){.needed = {"libown.so"}, .run_path = "$ORIGIN/lib"}, check_linking);
    expect(VERDICT_OK, "linked with libmapscope: ");
    examine_elf(&(struct tiny_elf){.needed = {"libown.so"}}, check_linking);
    expect(VERDICT_OK, "not linked with libmapscope: mapscope record sees its pthread and C11 locks");
}

static void test_build_id(void **state)
{
    (void)state;
    examine_elf(&(struct tiny_elf){.build_id = "\x01\x02\x03\x04\x05\x06\x07\x08\x09"}, check_build_id);
    expect(VERDICT_OK, "0102030405060708...");
    examine_elf(&(struct tiny_elf){0}, check_build_id);
    expect(VERDICT_NOTE, "no build id");
    expect_mend("--build-id");
}

static void test_symbols_are_those_that_convert_will_find(void **state)
{
    (void)state;
    char self[256];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = '\0';
    examine(self, check_symbols);
    expect(VERDICT_OK, "functions, files and lines");
    examine_elf(&(struct tiny_elf){.interpreter = LOADER}, check_symbols);
    expect(VERDICT_NOTE, "stripped");
    expect_mend("-g");
}

static void test_frame_pointers_without_unwind_tables_are_not_known(void **state)
{
    (void)state;
    examine_elf(&(struct tiny_elf){0}, check_frame_pointers);
    expect(VERDICT_NOTE, "cannot be told");
    examine("/proc/self/exe", check_frame_pointers); /* built with -fno-omit-frame-pointer */
    expect(VERDICT_OK, "stacks are cheap");
}

/* ---- libraries ---- */

/* Which of the libraries of that name is found, by its type. */
static int found_type(const struct library_user *user, const char *name)
{
    struct elf_image image;
    if (library_open(user, name, &image))
        return 0;
    int type = image.type;
    elf_image_close(&image);
    return type;
}

static void open_user(const struct tiny_elf *elf, struct elf_image *image)
{
    write_elf("user", elf);
    assert_int_equal(elf_image_open("user", image), 0);
}

static void test_libraries_are_found_in_the_loaders_order(void **state)
{
    (void)state;
    mkdir("a", 0700);
    mkdir("b", 0700);
    write_elf("a/libx.so", &(struct tiny_elf){.type = ET_DYN});
    write_elf("b/libx.so", &(struct tiny_elf){.type = ET_EXEC});
    struct elf_image image;
    char path[64];
    snprintf(path, sizeof path, "%s/user", folder);
    struct library_user user = {&image, path, NULL};
    open_user(&(struct tiny_elf){.run_path = "/nowhere:$ORIGIN/a"}, &image);
    assert_int_equal(found_type(&user, "libx.so"), ET_DYN);
    user.library_path = "b"; /* before RUNPATH */
    assert_int_equal(found_type(&user, "libx.so"), ET_EXEC);
    elf_image_close(&image);
    open_user(&(struct tiny_elf){.rpath = "${ORIGIN}/a"}, &image); /* before LD_LIBRARY_PATH */
    assert_int_equal(found_type(&user, "libx.so"), ET_DYN);
    elf_image_close(&image);
    open_user(&(struct tiny_elf){.rpath = "$ORIGIN/a", .run_path = "/nowhere"}, &image); /* RPATH does not count */
    assert_int_equal(found_type(&user, "libx.so"), ET_EXEC);
    user.library_path = NULL;
    assert_int_equal(found_type(&user, "libx.so"), 0);
    elf_image_close(&image);
    assert_int_equal(found_type(&(struct library_user){0}, "libc.so.6"), ET_DYN);
    assert_int_equal(found_type(&(struct library_user){0}, "b/libx.so"), ET_EXEC);
}

static void test_libraries_of_other_machines_are_passed_over(void **state)
{
    (void)state;
    mkdir("foreign", 0700);
    mkdir("own", 0700);
    write_elf("foreign/liby.so", &(struct tiny_elf){.machine = EM_RISCV});
    write_elf("own/liby.so", &(struct tiny_elf){.type = ET_EXEC});
    assert_int_equal(found_type(&(struct library_user){.library_path = "foreign:own"}, "liby.so"), ET_EXEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_line_has_its_subject_verdict_and_mend),
        cmocka_unit_test(test_a_program_that_can_be_preloaded),
        cmocka_unit_test(test_programs_that_cannot_be_preloaded),
        cmocka_unit_test(test_programs_that_are_not_there),
        cmocka_unit_test(test_a_script_is_judged_by_what_runs_it),
        cmocka_unit_test(test_an_address_sanitizer_of_its_own_library_must_come_first),
        cmocka_unit_test(test_libmapscope_counts_directly_and_through_a_library),
        cmocka_unit_test(test_build_id),
        cmocka_unit_test(test_symbols_are_those_that_convert_will_find),
        cmocka_unit_test(test_frame_pointers_without_unwind_tables_are_not_known),
        cmocka_unit_test(test_libraries_are_found_in_the_loaders_order),
        cmocka_unit_test(test_libraries_of_other_machines_are_passed_over),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
