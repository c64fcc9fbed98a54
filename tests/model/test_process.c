/* model/process: names, threads and the intervals of modules. */
#include "support/cmocka_main.h"

#include <stdio.h>
#include <string.h>

#include "model/process.h"
#include "support/utf8.h"

static struct process_table table;

static int setup(void **state)
{
    (void)state;
    process_table_init(&table);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    process_table_fini(&table);
    return 0;
}

static struct event_text text(const char *string)
{
    return (struct event_text){.data = string, .length = (uint32_t)strlen(string)};
}

static void apply(struct event event)
{
    assert_int_equal(process_table_apply(&table, &event), 0);
}

static void seen(uint32_t pid, uint32_t tid)
{
    apply((struct event){.kind = EVENT_MAP_ASSIGN, .pid = pid, .tid = tid});
}

static void load(uint32_t pid, uint64_t time_ns, uint64_t base, uint64_t size, const char *path)
{
    apply((struct event){.kind = EVENT_MODULE_LOAD,
                         .pid = pid,
                         .time_ns = time_ns,
                         .module = {.base = base, .size = size, .path = text(path)}});
}

static void unload(uint32_t pid, uint64_t time_ns, uint64_t base)
{
    apply((struct event){.kind = EVENT_MODULE_UNLOAD, .pid = pid, .time_ns = time_ns, .module = {.base = base}});
}

static void build_id(uint32_t pid, uint64_t base, const char *id)
{
    apply((struct event){.kind = EVENT_MODULE_BUILD_ID, .pid = pid, .module = {.base = base, .build_id = text(id)}});
}

/* The path of the module at an address, "-" = none. */
static const char *path_at(uint32_t pid, uint64_t address, uint64_t time_ns)
{
    const struct process_module *module = process_module_at(process_find(&table, pid), address, time_ns);
    return module ? module->path : "-";
}

static void test_processes_and_threads_appear_with_their_first_event(void **state)
{
    (void)state;
    seen(10, 12);
    seen(20, 21);
    seen(10, 11);
    seen(10, 12);
    seen(10, 0);
    assert_int_equal(table.count, 2);
    assert_int_equal(table.processes[0]->pid, 10);
    assert_int_equal(table.processes[1]->pid, 20);
    const struct process *process = process_find(&table, 10);
    assert_int_equal(process->thread_count, 2);
    assert_int_equal(process->threads[0].tid, 11);
    assert_int_equal(process->threads[1].tid, 12);
    assert_string_equal(process->name, "");
    assert_null(process_find(&table, 11));
}

static void test_an_event_without_ids_belongs_to_process_zero(void **state)
{
    (void)state;
    seen(0, 0);
    assert_int_equal(table.count, 1);
    assert_int_equal(process_find(&table, 0)->thread_count, 0);
}

static void test_an_empty_table_finds_nothing(void **state)
{
    (void)state;
    assert_null(process_find(&table, 0));
    assert_null(process_find(&table, 1));
}

static void test_many_threads_of_many_processes_are_told_apart(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++)
        for (uint32_t tid = 1; tid <= 1000; tid++)
            seen(tid % 10, tid);
    assert_int_equal(table.count, 10);
    for (uint32_t pid = 0; pid < 10; pid++)
        assert_int_equal(process_find(&table, pid)->thread_count, 100);
}

static void test_a_process_has_the_last_name_it_was_given(void **state)
{
    (void)state;
    apply((struct event){.kind = EVENT_PROCESS_NAME, .pid = 10, .process_name = text("sh")});
    apply((struct event){.kind = EVENT_PROCESS_NAME, .pid = 10, .process_name = text("server")});
    assert_string_equal(process_find(&table, 10)->name, "server");
}

static void test_thread_names_are_looked_up_by_tid_and_made_utf8(void **state)
{
    (void)state;
    apply((struct event){.kind = EVENT_THREAD_START, .pid = 10, .tid = 12, .thread = {.name = text("io\xFF")}});
    apply((struct event){.kind = EVENT_THREAD_START, .pid = 10, .tid = 11, .thread = {.name = text("worker")}});
    seen(10, 13);
    const struct process *process = process_find(&table, 10);
    assert_string_equal(process_thread_name(process, 11), "worker");
    assert_string_equal(process_thread_name(process, 12), "io" UTF8_REPLACEMENT);
    assert_string_equal(process_thread_name(process, 13), "");
    assert_string_equal(process_thread_name(process, 99), "");
}

static void test_a_module_covers_its_range_and_nothing_else(void **state)
{
    (void)state;
    load(10, 5, 0x5000, 0x1000, "/b");
    load(10, 5, 0x1000, 0x1000, "/a");
    load(20, 5, 0x1000, 0x1000, "/other");
    assert_string_equal(path_at(10, 0xfff, 9), "-");
    assert_string_equal(path_at(10, 0x1000, 9), "/a");
    assert_string_equal(path_at(10, 0x1fff, 9), "/a");
    assert_string_equal(path_at(10, 0x2000, 9), "-");
    assert_string_equal(path_at(10, 0x5000, 9), "/b");
    assert_string_equal(path_at(20, 0x1000, 9), "/other");
}

static void test_a_small_module_does_not_hide_a_large_one_below_it(void **state)
{
    (void)state;
    load(10, 5, 0x1000, 0x9000, "/large");
    unload(10, 6, 0x1000);
    load(10, 7, 0x3000, 0x10, "/small");
    assert_string_equal(path_at(10, 0x8000, 5), "/large");
    assert_string_equal(path_at(10, 0x3008, 5), "/large");
    assert_string_equal(path_at(10, 0x3008, 7), "/small");
}

static void test_an_address_means_what_was_mapped_at_its_time(void **state)
{
    (void)state;
    load(10, 100, 0x1000, 0x1000, "/first");
    unload(10, 200, 0x1000);
    load(10, 300, 0x1000, 0x1000, "/second");
    assert_string_equal(path_at(10, 0x1800, 100), "/first");
    assert_string_equal(path_at(10, 0x1800, 199), "/first");
    assert_string_equal(path_at(10, 0x1800, 300), "/second");
    assert_string_equal(path_at(10, 0x1800, UINT64_MAX - 1), "/second");
    unload(10, 400, 0x1000);
    assert_string_equal(path_at(10, 0x1800, 399), "/second");
    assert_string_equal(path_at(10, 0x1800, 400), "-");
}

static void test_a_stack_older_than_the_statedump_finds_the_first_module_reported(void **state)
{
    (void)state;
    load(10, 100, 0x1000, 0x1000, "/first");
    unload(10, 200, 0x1000);
    load(10, 300, 0x1000, 0x1000, "/second");
    assert_string_equal(path_at(10, 0x1800, 50), "/first");
    assert_string_equal(path_at(10, 0x1800, 250), "/second");
}

static void test_a_repeated_statedump_adds_nothing_and_keeps_the_build_id(void **state)
{
    (void)state;
    for (uint64_t time_ns = 100; time_ns < 400; time_ns += 100) {
        load(10, time_ns, 0x1000, 0x1000, "/a");
        load(10, time_ns, 0x5000, 0, "[linux-vdso.so.1]");
        if (time_ns == 100)
            build_id(10, 0x1000, "\x12\x34");
    }
    const struct process *process = process_find(&table, 10);
    assert_int_equal(process->module_count, 2);
    assert_int_equal(process->modules[0].loaded_ns, 100);
    assert_int_equal(process->modules[0].build_id_length, 2);
    assert_memory_equal(process->modules[0].build_id, "\x12\x34", 2);
    assert_int_equal(process->modules[1].build_id_length, 0);
}

static void test_what_is_mapped_over_another_module_ends_it(void **state)
{
    (void)state;
    load(10, 100, 0x1000, 0x2000, "/old");
    load(10, 100, 0x4000, 0x1000, "/neighbour");
    load(10, 200, 0x2000, 0x2000, "/new");
    assert_string_equal(path_at(10, 0x2800, 150), "/old");
    assert_string_equal(path_at(10, 0x2800, 200), "/new");
    assert_string_equal(path_at(10, 0x1800, 200), "-");
    assert_string_equal(path_at(10, 0x4000, 200), "/neighbour");
}

static void test_another_file_at_the_same_base_replaces_the_first(void **state)
{
    (void)state;
    load(10, 100, 0x400000, 0x1000, "/bin/sh");
    load(10, 200, 0x400000, 0x1000, "/bin/server");
    build_id(10, 0x400000, "\x99");
    assert_string_equal(path_at(10, 0x400100, 150), "/bin/sh");
    assert_string_equal(path_at(10, 0x400100, 250), "/bin/server");
    assert_int_equal(process_module_at(process_find(&table, 10), 0x400100, 150)->build_id_length, 0);
    assert_int_equal(process_module_at(process_find(&table, 10), 0x400100, 250)->build_id_length, 1);
}

static void test_a_build_id_that_cannot_be_one_is_ignored(void **state)
{
    (void)state;
    char oversized[PROCESS_BUILD_ID_MAX + 2];
    memset(oversized, 'x', sizeof oversized - 1);
    oversized[sizeof oversized - 1] = '\0';
    load(10, 100, 0x1000, 0x1000, "/a");
    build_id(10, 0x1000, oversized);
    build_id(10, 0x7000, "\x12");
    assert_int_equal(process_find(&table, 10)->modules[0].build_id_length, 0);
}

static void test_the_vdso_covers_two_pages(void **state)
{
    (void)state;
    load(10, 100, 0x7000, 0, "[linux-vdso.so.1]");
    assert_string_equal(path_at(10, 0x8fff, 100), "[linux-vdso.so.1]");
    assert_string_equal(path_at(10, 0x9000, 100), "-");
}

static void test_a_module_at_the_end_of_the_address_space_does_not_wrap(void **state)
{
    (void)state;
    load(10, 100, UINT64_MAX - 0xfff, UINT64_MAX, "/hostile");
    load(10, 100, 0x1000, 0x1000, "/a");
    assert_string_equal(path_at(10, 0x1000, 100), "/a");
    assert_string_equal(path_at(10, UINT64_MAX, 100), "/hostile");
}

static void test_processes_stay_where_they_are(void **state)
{
    (void)state;
    seen(1, 1);
    const struct process *first = process_find(&table, 1);
    for (uint32_t pid = 2; pid < 500; pid++)
        seen(pid, pid);
    assert_ptr_equal(process_find(&table, 1), first);
}

static void test_a_trace_without_statedump_has_no_modules(void **state)
{
    (void)state;
    seen(1, 1);
    assert_false(process_table_has_modules(&table));
    load(2, 5, 0x1000, 0x1000, "/a");
    assert_true(process_table_has_modules(&table));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_processes_and_threads_appear_with_their_first_event),
        TEST(test_an_event_without_ids_belongs_to_process_zero),
        TEST(test_an_empty_table_finds_nothing),
        TEST(test_many_threads_of_many_processes_are_told_apart),
        TEST(test_a_process_has_the_last_name_it_was_given),
        TEST(test_thread_names_are_looked_up_by_tid_and_made_utf8),
        TEST(test_a_module_covers_its_range_and_nothing_else),
        TEST(test_a_small_module_does_not_hide_a_large_one_below_it),
        TEST(test_an_address_means_what_was_mapped_at_its_time),
        TEST(test_a_stack_older_than_the_statedump_finds_the_first_module_reported),
        TEST(test_a_repeated_statedump_adds_nothing_and_keeps_the_build_id),
        TEST(test_what_is_mapped_over_another_module_ends_it),
        TEST(test_another_file_at_the_same_base_replaces_the_first),
        TEST(test_a_build_id_that_cannot_be_one_is_ignored),
        TEST(test_the_vdso_covers_two_pages),
        TEST(test_a_module_at_the_end_of_the_address_space_does_not_wrap),
        TEST(test_processes_stay_where_they_are),
        TEST(test_a_trace_without_statedump_has_no_modules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
