/*
 * Threads on the concurrent maps, everything that they did and saw recorded, each key's history checked to be
 * linearizable. A round is short, because the check is a search: 2 to 8 threads share 2 keys. Between the recorded
 * operations others make the map do what it does rarely: grow, promote, expunge, split, iterate.
 *
 * Writes to msc_mapwriter have limits: none, no time at all, a few microseconds, or a cancel by the next thread. What
 * was given up is left out of the history, so that the check fails if it did anything.
 *
 * On a machine with few processors, threads hardly ever meet inside an operation that takes 50 ns. So what the maps
 * call in the midst of one (comparisons of keys and values, the allocator) now and then gives the processor away.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "runtime/flavour_table.h"
#include "runtime/linearizability.h"
#include "runtime/memory.h"
#include "support/cmocka_main.h"

enum { THREADS_MAX = 8, KEYS = 2, OPS_MAX = LIN_OPS_MAX, NOISE_KEYS = 40 };

static __thread uint64_t pauses;

/* Every eighth time or so, whoever else is ready runs now. */
static void pause_at_times(void)
{
    pauses = pauses * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    if (pauses >> 61 == 0)
        sched_yield();
}

static uint64_t hash_key(const void *key, struct msc_hash_seed seed)
{
    return msc_hash_u64(*(const uint64_t *)key, seed);
}

static bool equal_keys(const void *key, const void *other)
{
    pause_at_times();
    return *(const uint64_t *)key == *(const uint64_t *)other;
}

static bool equal_values(const void *value, const void *other)
{
    bool equal = *(const uint64_t *)value == *(const uint64_t *)other;
    pause_at_times();
    return equal;
}

static const struct msc_map_type pausing_type = {
    .key_size = sizeof(uint64_t), .hash = hash_key, .equal = equal_keys, .equal_values = equal_values};

static struct memory usual_memory;

static void *allocate_with_pauses(size_t size)
{
    void *block = usual_memory.allocate(size);
    pause_at_times();
    return block;
}

struct round {
    const struct flavour_verbs *verbs;
    void *map;
    bool is_limited; /* its writes: a msc_mapwriter */
    unsigned threads, ops_each, number;
    _Atomic uint64_t clock;
    _Atomic uint64_t next_value;
    _Atomic unsigned ready;
    pthread_barrier_t begin, end;
    _Atomic bool stop;
};

struct worker {
    struct round *round;
    struct worker *next;
    unsigned index;
    uint64_t random;
    struct lin_op ops[OPS_MAX];
    unsigned keys[OPS_MAX];
    struct msc_cancel cancels[OPS_MAX + 1]; /* one an operation; the thread before may fire it */
    unsigned late, cancelled;
};

static uint64_t draw(struct worker *worker, uint64_t limit)
{
    worker->random = worker->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (worker->random >> 33) % limit;
}

static void call(const struct flavour_verbs *verbs, void *map, const void *key, struct lin_op *op)
{
    switch (op->verb) {
    case LIN_LOAD:
        op->result = verbs->load(map, key, &op->out);
        break;
    case LIN_STORE:
        op->result = verbs->store(map, key, &op->value);
        break;
    case LIN_SWAP:
        op->result = verbs->swap(map, key, &op->value, &op->out);
        break;
    case LIN_LOAD_OR_STORE:
        op->result = verbs->load_or_store(map, key, &op->value, &op->out);
        break;
    case LIN_DELETE:
        op->result = verbs->load_and_delete(map, key, &op->out);
        break;
    case LIN_COMPARE_AND_SWAP:
        op->result = verbs->compare_and_swap(map, key, &op->expected, &op->value);
        break;
    default:
        op->result = verbs->compare_and_delete(map, key, &op->expected);
        break;
    }
}

static struct msc_write_limit draw_limit(struct worker *worker, unsigned n)
{
    enum { FEW_US = 20000 };
    struct msc_write_limit limit = {.timeout_ns = MSC_NO_TIMEOUT};
    switch (draw(worker, 4)) {
    case 0:
        limit.timeout_ns = 0;
        break;
    case 1:
        limit.timeout_ns = draw(worker, FEW_US);
        break;
    case 2:
        limit.cancel = &worker->cancels[n];
    }
    return limit;
}

static bool was_given_up(const struct lin_op *op)
{
    return op->result == -ETIMEDOUT || op->result == -ECANCELED;
}

/* As call, by the rules of a msc_mapwriter. */
static void call_limited(struct worker *worker, unsigned n, const void *key, struct lin_op *op)
{
    struct round *round = worker->round;
    const struct msc_write_limit limit = draw_limit(worker, n);
    if (draw(worker, 4) == 0)
        msc_mapwriter_cancel(round->map, &worker->next->cancels[n + 1]);
    flavour_limit = &limit;
    call(round->verbs, round->map, key, op);
    flavour_limit = NULL;
    worker->late += op->result == -ETIMEDOUT;
    worker->cancelled += op->result == -ECANCELED;
}

/* A recorded operation; a comparing one expects what the thread saw last of that key. */
static void recorded(struct worker *worker, unsigned n, uint64_t last_seen[KEYS])
{
    struct round *round = worker->round;
    unsigned key_index = worker->keys[n] = (unsigned)draw(worker, KEYS);
    uint64_t key = key_index;
    struct lin_op *op = &worker->ops[n];
    *op = (struct lin_op){.verb = (enum lin_verb)draw(worker, LIN_VERBS),
                          .value = atomic_fetch_add(&round->next_value, 1) + 1,
                          .expected = last_seen[key_index]};
    op->begin = atomic_fetch_add(&round->clock, 1);
    if (round->is_limited)
        call_limited(worker, n, &key, op);
    else
        call(round->verbs, round->map, &key, op);
    op->end = atomic_fetch_add(&round->clock, 1);
    if (op->out)
        last_seen[key_index] = op->out;
    if (op->result == 0 && (op->verb == LIN_STORE || op->verb == LIN_COMPARE_AND_SWAP))
        last_seen[key_index] = op->value;
}

static int pause_for_each(void *context, const void *key, const void *value, uint64_t version)
{
    (void)context, (void)key, (void)value, (void)version;
    pause_at_times();
    return 0;
}

/* Other keys come and go. */
static void noise(struct worker *worker)
{
    struct round *round = worker->round;
    uint64_t key = KEYS + draw(worker, NOISE_KEYS), value = 1;
    switch (draw(worker, 8)) {
    case 0:
        round->verbs->delete (round->map, &key);
        break;
    case 1:
    case 2:
        round->verbs->load(round->map, &key, &value);
        break;
    case 3:
        sched_yield();
        break;
    case 4:
        round->verbs->range(round->map, pause_for_each, NULL);
        break;
    default:
        round->verbs->store(round->map, &key, &value);
    }
}

static void work(struct worker *worker)
{
    struct round *round = worker->round;
    uint64_t last_seen[KEYS] = {0};
    pauses = worker->random;
    atomic_fetch_add(&round->ready, 1);
    while (atomic_load(&round->ready) < round->threads) /* all begin at once */
        sched_yield();
    for (unsigned n = 0; n < round->ops_each; n++) {
        recorded(worker, n, last_seen);
        for (uint64_t k = draw(worker, 4); k > 0; k--)
            noise(worker);
    }
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    for (;;) {
        pthread_barrier_wait(&worker->round->begin);
        if (atomic_load(&worker->round->stop))
            return NULL;
        work(worker);
        pthread_barrier_wait(&worker->round->end);
    }
}

static void print_history(const struct lin_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("  %llu-%llu verb %d value %llu expected %llu -> %d out %llu\n", (unsigned long long)ops[i].begin,
               (unsigned long long)ops[i].end, (int)ops[i].verb, (unsigned long long)ops[i].value,
               (unsigned long long)ops[i].expected, ops[i].result, (unsigned long long)ops[i].out);
}

static size_t history_of(const struct worker *workers, const struct round *round, unsigned key,
                         struct lin_op out[OPS_MAX])
{
    size_t count = 0;
    for (unsigned thread = 0; thread < round->threads; thread++)
        for (unsigned n = 0; n < round->ops_each; n++)
            if (workers[thread].keys[n] == key && !was_given_up(&workers[thread].ops[n]))
                out[count++] = workers[thread].ops[n];
    return count;
}

/* How many pairs of operations ran beside each other. */
static unsigned overlaps(const struct lin_op *ops, size_t count)
{
    unsigned found = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            found += ops[i].begin < ops[k].end && ops[k].begin < ops[i].end;
    return found;
}

static unsigned check_round(const struct worker *workers, const struct round *round)
{
    unsigned beside = 0;
    for (unsigned key = 0; key < KEYS; key++) {
        struct lin_op ops[OPS_MAX];
        size_t count = history_of(workers, round, key, ops);
        beside += overlaps(ops, count);
        if (lin_check(ops, count))
            continue;
        printf("%s, %u threads, round %u:\n", round->verbs->name, round->threads, round->number);
        print_history(ops, count);
        fail_msg("this history has no order");
    }
    return beside;
}

static const struct msc_map_options kinds[] = {
    {.struct_size = sizeof kinds[0], .key = MSC_KEY_CUSTOM, .type = &pausing_type, .value_size = sizeof(uint64_t)},
    {.struct_size = sizeof kinds[0], .key = MSC_KEY_U64, .value_size = sizeof(uint64_t)}, /* the short path */
};

/* What the workers did in all rounds. */
struct tally {
    unsigned beside, late, cancelled;
};

static struct worker workers[THREADS_MAX];

static void one_round(struct round *round, const struct msc_map_options *options, struct tally *tally)
{
    assert_int_equal(round->verbs->create(options, &round->map), 0);
    for (unsigned i = 0; i < round->threads; i++)
        memset(workers[i].cancels, 0, sizeof workers[i].cancels);
    atomic_store(&round->ready, 0);
    atomic_store(&round->clock, 1);
    pthread_barrier_wait(&round->begin);
    pthread_barrier_wait(&round->end);
    tally->beside += check_round(workers, round);
    round->verbs->destroy(round->map);
}

static void run_rounds(const struct flavour_verbs *verbs, const struct msc_map_options *options, unsigned threads,
                       unsigned rounds, struct tally *tally)
{
    static struct round round;
    round = (struct round){.verbs = verbs, .threads = threads, .ops_each = OPS_MAX / threads};
    round.is_limited = verbs->store == msc_mapwriter_store_of;
    pthread_barrier_init(&round.begin, NULL, threads + 1);
    pthread_barrier_init(&round.end, NULL, threads + 1);
    pthread_t ids[THREADS_MAX];
    for (unsigned i = 0; i < threads; i++) {
        struct worker *next = &workers[(i + 1) % threads];
        workers[i] = (struct worker){.round = &round, .next = next, .index = i, .random = 1000 * threads + i};
        assert_int_equal(pthread_create(&ids[i], NULL, worker_main, &workers[i]), 0);
    }
    for (round.number = 0; round.number < rounds; round.number++)
        one_round(&round, options, tally);
    atomic_store(&round.stop, true);
    pthread_barrier_wait(&round.begin);
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        tally->late += workers[i].late;
        tally->cancelled += workers[i].cancelled;
    }
    pthread_barrier_destroy(&round.begin);
    pthread_barrier_destroy(&round.end);
}

static void test_histories_of_2_to_8_threads_are_linearizable(void **state)
{
    (void)state;
    enum { ROUNDS = 25, KINDS = sizeof kinds / sizeof kinds[0] };
    usual_memory = memory;
    memory.allocate = allocate_with_pauses;
    for (size_t i = 0; i < FLAVOURS * KINDS; i++) {
        const struct flavour_verbs *verbs = &flavour_table[i / KINDS];
        struct tally tally = {0};
        for (unsigned threads = 2; threads <= THREADS_MAX; threads++)
            run_rounds(verbs, &kinds[i % KINDS], threads, ROUNDS, &tally);
        printf("%s: %u pairs of operations beside each other, %u late, %u cancelled\n", verbs->name, tally.beside,
               tally.late, tally.cancelled);
        assert_true(tally.beside > ROUNDS); /* or nothing was tested */
        if (verbs->store == msc_mapwriter_store_of)
            assert_true(tally.late > 0 && tally.cancelled > 0);
    }
    memory = usual_memory;
}

/* ---- faster than histories can be checked ---- */

enum { RACERS = 3, RACED_KEYS = 4, LAPS = 30000 };

struct race {
    const struct flavour_verbs *verbs;
    void *map;
    pthread_barrier_t begin;
};

/* Stores and removes; a version that is seen again stands for the same value. */
static void *race(void *argument)
{
    struct race *shared = argument;
    uint64_t value, again, version, version_again;
    pthread_barrier_wait(&shared->begin);
    for (uint64_t i = 0; i < LAPS; i++) {
        uint64_t key = i % RACED_KEYS;
        shared->verbs->store(shared->map, &key, &i);
        if (i % 3 == 0)
            shared->verbs->delete (shared->map, &key);
        if (shared->verbs->load_version(shared->map, &key, &value, &version) == 0 &&
            shared->verbs->load_version(shared->map, &key, &again, &version_again) == 0 && version == version_again &&
            value != again)
            return shared->map;
    }
    return NULL;
}

static int count_visit(void *context, const void *key, const void *value, uint64_t version)
{
    (void)key, (void)value, (void)version;
    ++*(size_t *)context;
    return 0;
}

static void test_no_write_is_half_done_and_no_removal_undone(void **state)
{
    (void)state;
    for (size_t i = 0; i < FLAVOURS; i++) {
        struct race shared = {.verbs = &flavour_table[i]};
        const struct msc_map_options words = {
            .struct_size = sizeof words, .key = MSC_KEY_U64, .value_size = sizeof(uint64_t)};
        assert_int_equal(shared.verbs->create(&words, &shared.map), 0);
        for (uint64_t key = 0; key < RACED_KEYS; key++)
            assert_int_equal(shared.verbs->store(shared.map, &key, &key), 0);
        size_t visited = 0;
        shared.verbs->range(shared.map, count_visit, &visited); /* a sync map promotes */
        assert_int_equal(visited, RACED_KEYS);
        pthread_barrier_init(&shared.begin, NULL, RACERS);
        pthread_t racers[RACERS];
        for (int n = 0; n < RACERS; n++)
            assert_int_equal(pthread_create(&racers[n], NULL, race, &shared), 0);
        for (int n = 0; n < RACERS; n++) {
            void *torn;
            pthread_join(racers[n], &torn);
            assert_null(torn);
        }
        visited = 0;
        shared.verbs->range(shared.map, count_visit, &visited);
        assert_int_equal(shared.verbs->count(shared.map), visited);
        shared.verbs->destroy(shared.map);
        pthread_barrier_destroy(&shared.begin);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histories_of_2_to_8_threads_are_linearizable),
        cmocka_unit_test(test_no_write_is_half_done_and_no_removal_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
