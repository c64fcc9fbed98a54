/* The policies of a misused map, and the mark that writers leave in it. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/map_core.h"
#include "runtime/map_fault.h"
#include "runtime/map_guard.h"
#include "runtime/recorder.h"
#include "runtime/stack.h"

enum { OTHER = 4242 };

static int map_object; /* stands for a map */

#define CALL_SITE ((const void *)(uintptr_t)recorder_setup) /* some code */

static struct map_fault fault_of(enum msc_fault_kind kind)
{
    return (struct map_fault){
        .kind = kind,
        .map = &map_object,
        .map_gen = 3,
        .name = "sessions",
        .key_id = 5,
        .other_tid = OTHER,
        .other_pc = CALL_SITE,
    };
}

__attribute__((noinline)) static int misuse(enum msc_fault_kind kind)
{
    struct map_fault fault = fault_of(kind);
    return map_fault(&fault, STACK_HERE());
}

static int reset(void **state)
{
    msc_map_on_fault(MSC_ON_FAULT_RECORD, NULL, NULL);
    return recorder_teardown(state);
}

/* ---- record ---- */

static void test_a_fault_is_recorded_and_refused(void **state)
{
    (void)state;
    errno = 77;
    assert_int_equal(misuse(MSC_FAULT_CONCURRENT_WRITE), -EBUSY);
    assert_int_equal(misuse(MSC_FAULT_READ_WRITE), -EBUSY);
    assert_int_equal(misuse(MSC_FAULT_ITERATE_WRITE), -EBUSY);
    assert_int_equal(misuse(MSC_FAULT_NIL_MAP), -EFAULT);
    assert_int_equal(misuse(MSC_FAULT_UNHASHABLE), -EINVAL);
    assert_int_equal(errno, 77);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_FAULT), 5);
    const struct record *record = recorded(MSC_EVENT_MAP_FAULT, 1);
    assert_int_equal(record->fault.kind, MSC_FAULT_READ_WRITE);
    assert_int_equal(record->fault.map, (uintptr_t)&map_object);
    assert_int_equal(record->fault.map_gen, 3);
    assert_int_equal(record->fault.key_id, 5);
    assert_int_equal(record->fault.tid, gettid());
    assert_int_equal(record->fault.other_tid, OTHER);
    assert_int_equal(record->fault.other_pc, (uintptr_t)CALL_SITE);
    assert_true(record->stack_count > 0);
}

/* ---- call ---- */

struct report {
    struct msc_fault last;
    char name[32];
    unsigned calls;
};

static void report(void *user, const struct msc_fault *fault)
{
    struct report *to = user;
    to->last = *fault;
    snprintf(to->name, sizeof to->name, "%s", fault->name);
    to->calls++;
    misuse(MSC_FAULT_READ_WRITE); /* in the function itself */
}

static void test_the_users_function_is_told_everything_once(void **state)
{
    (void)state;
    struct report got = {.calls = 0};
    assert_int_equal(msc_map_on_fault(MSC_ON_FAULT_CALL, report, &got), 0);
    assert_int_equal(misuse(MSC_FAULT_CONCURRENT_WRITE), -EBUSY);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.last.struct_size, sizeof got.last);
    assert_int_equal(got.last.kind, MSC_FAULT_CONCURRENT_WRITE);
    assert_ptr_equal(got.last.map, &map_object);
    assert_string_equal(got.name, "sessions");
    assert_int_equal(got.last.tid, gettid());
    assert_int_equal(got.last.other_tid, OTHER);
    assert_ptr_equal(got.last.other_pc, CALL_SITE);
    assert_true(got.last.stack_count > 0);
    assert_int_equal(recorded_count(MSC_EVENT_MAP_FAULT), 2);

    misuse(MSC_FAULT_NIL_MAP);
    assert_int_equal(got.calls, 2);
    assert_int_equal(msc_map_on_fault(MSC_ON_FAULT_RECORD, NULL, NULL), 0);
    misuse(MSC_FAULT_NIL_MAP);
    assert_int_equal(got.calls, 2);
}

static void test_the_users_function_is_called_untraced_too(void **state)
{
    (void)state;
    struct report got = {.calls = 0};
    recorder_close_gates();
    msc_map_on_fault(MSC_ON_FAULT_CALL, report, &got);
    assert_int_equal(misuse(MSC_FAULT_UNHASHABLE), -EINVAL);
    assert_int_equal(got.calls, 1);
    assert_true(got.last.stack_count > 0);
    assert_int_equal(record_count, 0);
}

static void test_a_policy_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    assert_int_equal(msc_map_on_fault(MSC_ON_FAULT_CALL, NULL, NULL), -EINVAL);
    assert_int_equal(msc_map_on_fault((enum msc_fault_policy)7, NULL, NULL), -EINVAL);
    assert_int_equal(misuse(MSC_FAULT_NIL_MAP), -EFAULT); /* still just recorded */
}

/* ---- a map's own ---- */

static int try_to_create(const struct msc_fault_response *response, struct msc_map **out)
{
    struct msc_map_options options = {.struct_size = sizeof options, .name = "strict", .on_fault = response};
    return msc_map_create(&options, out);
}

static struct msc_map *make_map(const struct msc_fault_response *response)
{
    struct msc_map *map;
    assert_int_equal(try_to_create(response, &map), 0);
    return map;
}

/* Every way into the map while another thread writes, and a key that is none: returns how many. */
static unsigned misuse_in_each_way(struct msc_map *map)
{
    struct msc_map_iter iter;
    struct msc_map *copy;
    assert_int_equal(msc_map_iter_begin(map, &iter), 0);
    map->head.guard.writer = OTHER;
    assert_int_equal(msc_map_assign_u64(map, 1, NULL), -EBUSY);
    assert_int_equal(msc_map_delete_u64(map, 1), -EBUSY);
    assert_null(msc_map_find_u64(map, 1));
    assert_int_equal(msc_map_clear(map), -EBUSY);
    assert_int_equal(msc_map_reserve(map, 100), -EBUSY);
    assert_int_equal(msc_map_shrink(map), -EBUSY);
    assert_int_equal(msc_map_clone(map, &copy), -EBUSY);
    assert_int_equal(msc_map_iter_next(&iter), -EBUSY);
    map->head.guard.writer = 0;
    msc_map_iter_end(&iter);
    assert_int_equal(msc_map_assign_bytes(map, "k", 1, NULL), -EINVAL);
    return 9;
}

static void test_a_map_with_a_policy_of_its_own_follows_it_alone(void **state)
{
    (void)state;
    struct report all = {.calls = 0}, own = {.calls = 0};
    const struct msc_fault_response call_own = {MSC_ON_FAULT_CALL, report, &own},
                                    just_record = {MSC_ON_FAULT_RECORD, NULL, NULL};
    struct msc_map *strict = make_map(&call_own), *lax = make_map(&just_record), *plain = make_map(NULL), *copy;
    msc_map_on_fault(MSC_ON_FAULT_CALL, report, &all);

    unsigned ways = misuse_in_each_way(strict);
    assert_int_equal(own.calls, ways);
    assert_string_equal(own.name, "strict");
    assert_int_equal(all.calls, 0);
    misuse_in_each_way(lax);
    assert_int_equal(all.calls, 0);
    misuse_in_each_way(plain);
    assert_int_equal(all.calls, ways);
    assert_int_equal(msc_map_assign_u64(NULL, 1, NULL), -EFAULT); /* no map, no policy of its own */
    assert_int_equal(all.calls, ways + 1);

    msc_map_on_fault(MSC_ON_FAULT_RECORD, NULL, NULL);
    assert_int_equal(msc_map_clone(strict, &copy), 0); /* a copy is as strict */
    misuse_in_each_way(copy);
    assert_int_equal(own.calls, 2 * ways);
    misuse_in_each_way(plain);
    assert_int_equal(all.calls, ways + 1);
    msc_map_destroy(copy);
    msc_map_destroy(strict);
    msc_map_destroy(lax);
    msc_map_destroy(plain);
}

static void test_a_map_is_not_made_with_a_policy_that_makes_no_sense(void **state)
{
    (void)state;
    struct msc_map *map = NULL;
    assert_int_equal(try_to_create(&(struct msc_fault_response){.policy = MSC_ON_FAULT_CALL}, &map), -EINVAL);
    assert_int_equal(try_to_create(&(struct msc_fault_response){.policy = (enum msc_fault_policy)7}, &map), -EINVAL);
    assert_null(map);
}

/* ---- abort ---- */

enum { WORDS = 16384 };

static void misuse_where_all_abort(const void *kind)
{
    msc_map_on_fault(MSC_ON_FAULT_ABORT, NULL, NULL);
    misuse(*(const enum msc_fault_kind *)kind);
}

static void misuse_a_map_that_aborts(const void *unused)
{
    (void)unused;
    misuse_in_each_way(make_map(&(struct msc_fault_response){.policy = MSC_ON_FAULT_ABORT}));
}

/* What a child that misuses a map says before it aborts; it must. */
static void last_words_of(void (*misuse_one)(const void *arg), const void *arg, char said[WORDS])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], 2);
        close(ends[1]);
        misuse_one(arg);
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], said + length, WORDS - 1 - length)) > 0)
        length += (size_t)got;
    said[length] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void last_words(enum msc_fault_kind kind, char said[WORDS])
{
    last_words_of(misuse_where_all_abort, &kind, said);
}

/* The text from `after` on begins with `expected`; returns what follows. */
static const char *expect(const char *text, const char *expected)
{
    if (strncmp(text, expected, strlen(expected)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", text, expected);
    return text + strlen(expected);
}

static void test_abort_says_what_go_says_and_names_both_threads(void **state)
{
    (void)state;
    char said[WORDS], head[160], place[160], self[200];
    last_words(MSC_FAULT_CONCURRENT_WRITE, said);
    snprintf(head, sizeof head, "fatal error: concurrent map writes\n\nmap \"sessions\" at %p, in thread ",
             (void *)&map_object);
    const char *rest = expect(said, head);
    rest = strchr(rest, ':');
    assert_non_null(rest);
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = '\0';
    rest = expect(rest, ":\n    ");
    rest = expect(rest, self); /* the caller of misuse() */
    rest = expect(rest, "(+0x");
    rest = strstr(rest, "\nthread 4242 entered the map from:\n    ");
    assert_non_null(rest);
    snprintf(place, sizeof place, "[%p]\n", CALL_SITE);
    assert_non_null(strstr(rest, place));
}

static void test_abort_knows_each_of_gos_messages(void **state)
{
    (void)state;
    char said[WORDS];
    last_words(MSC_FAULT_READ_WRITE, said);
    expect(said, "fatal error: concurrent map read and map write\n");
    last_words(MSC_FAULT_ITERATE_WRITE, said);
    expect(said, "fatal error: concurrent map iteration and map write\n");
    last_words(MSC_FAULT_NIL_MAP, said);
    expect(said, "panic: assignment to entry in nil map\n");
    last_words(MSC_FAULT_UNHASHABLE, said);
    expect(said, "panic: runtime error: hash of unhashable type\n");
}

static void test_a_map_aborts_by_itself(void **state)
{
    (void)state;
    char said[WORDS];
    last_words_of(misuse_a_map_that_aborts, NULL, said);
    assert_non_null(strstr(expect(said, "fatal error: concurrent map writes\n\nmap \"strict\" at "), "thread 4242"));
}

/* ---- the mark ---- */

static void test_a_writer_marks_the_map_until_it_leaves(void **state)
{
    (void)state;
    for (uint32_t exact = 0; exact <= 1; exact++) {
        struct msc_map_guard guard = {.exact = exact};
        assert_int_equal(map_guard_seen(&guard), 0);
        assert_int_equal(map_guard_enter(&guard, CALL_SITE), 0);
        assert_int_equal(map_guard_seen(&guard), gettid());
        assert_ptr_equal(map_guard_seen_pc(&guard), CALL_SITE);
        assert_int_equal(map_guard_enter(&guard, NULL), gettid());
        assert_ptr_equal(map_guard_seen_pc(&guard), CALL_SITE);
        assert_true(map_guard_leave(&guard));
        assert_int_equal(map_guard_seen(&guard), 0);
    }
}

static void test_a_writer_that_was_overrun_notices_and_leaves_the_mark_to_the_other(void **state)
{
    (void)state;
    struct msc_map_guard guard = {0};
    assert_int_equal(map_guard_enter(&guard, NULL), 0);
    guard.writer = OTHER; /* came in the same moment */
    assert_false(map_guard_leave(&guard));
    assert_int_equal(guard.writer, OTHER);
    guard.writer = 0; /* or left already */
    assert_false(map_guard_leave(&guard));
}

struct crowd {
    pthread_barrier_t start;
    struct msc_map_guard guard;
    uint64_t entered; /* guarded */
    _Atomic uint64_t counted;
};

static void *crowd_main(void *arg)
{
    struct crowd *crowd = arg;
    pthread_barrier_wait(&crowd->start);
    for (int i = 0; i < 20000; i++) {
        if (map_guard_enter(&crowd->guard, NULL))
            continue;
        crowd->entered++;
        if (map_guard_leave(&crowd->guard))
            atomic_fetch_add(&crowd->counted, 1);
    }
    return NULL;
}

static void test_an_exact_guard_lets_no_two_writers_in(void **state)
{
    (void)state;
    struct crowd crowd = {.guard = {.exact = 1}};
    pthread_t threads[4];
    assert_int_equal(pthread_barrier_init(&crowd.start, NULL, 4), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_main, &crowd), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(crowd.entered > 0);
    assert_int_equal(crowd.entered, atomic_load(&crowd.counted));
    pthread_barrier_destroy(&crowd.start);
}

#define fault_test(test) cmocka_unit_test_setup_teardown(test, recorder_setup, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fault_test(test_a_fault_is_recorded_and_refused),
        fault_test(test_the_users_function_is_told_everything_once),
        fault_test(test_the_users_function_is_called_untraced_too),
        fault_test(test_a_policy_that_makes_no_sense_is_refused),
        fault_test(test_a_map_with_a_policy_of_its_own_follows_it_alone),
        fault_test(test_a_map_is_not_made_with_a_policy_that_makes_no_sense),
        fault_test(test_a_map_aborts_by_itself),
        fault_test(test_abort_says_what_go_says_and_names_both_threads),
        fault_test(test_abort_knows_each_of_gos_messages),
        cmocka_unit_test(test_a_writer_marks_the_map_until_it_leaves),
        cmocka_unit_test(test_a_writer_that_was_overrun_notices_and_leaves_the_mark_to_the_other),
        cmocka_unit_test(test_an_exact_guard_lets_no_two_writers_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
