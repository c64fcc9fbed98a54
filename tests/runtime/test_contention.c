/* The accounting of one lock, step by step under a clock that the test sets: exact values. */
#include "runtime/lock_recorder.h"

#include <sys/wait.h>
#include <unistd.h>

#include "runtime/contention.h"
#include "runtime/locks.h"
#include "runtime/page.h"
#include "runtime/stack.h"

enum { WAITERS = 16 };

/* A lock that exists only as accounting, and the waits of the threads that the test plays. */
struct fixture {
    struct lock_id id;
    struct page_lock *entry;
    struct contention_wait waits[WAITERS];
    int owner;
};

static struct page_lock *contend(struct fixture *fixture)
{
    return lock_contend(&fixture->id, &(struct lock_kind){.lock = (uintptr_t)fixture, .kind = MSC_LOCK_MUTEX});
}

static struct fixture *fixture_at(uint64_t start_ns)
{
    static struct fixture fixture;
    fixture = (struct fixture){.id.name = "lock", .id.counts = 1, .owner = 77};
    fixture.entry = contend(&fixture);
    now_ns = start_ns;
    clock_source = fake_now;
    return &fixture;
}

static void joins_as(struct fixture *fixture, int waiter, enum msc_lock_mode mode, uint64_t time_ns)
{
    now_ns = time_ns;
    const struct contention_how how = {.mode = mode, .kind = MSC_LOCK_MUTEX, .owner = &fixture->owner};
    fixture->entry = contend(fixture);
    contention_join(fixture->entry, &how, STACK_HERE(), &fixture->waits[waiter]);
}

static void joins(struct fixture *fixture, int waiter, uint64_t time_ns)
{
    joins_as(fixture, waiter, MSC_MODE_EXCLUSIVE, time_ns);
}

static void acquires(struct fixture *fixture, int waiter, uint64_t time_ns)
{
    now_ns = time_ns;
    contention_acquire(&fixture->waits[waiter]);
}

static void gives_up(struct fixture *fixture, int waiter, uint64_t time_ns)
{
    now_ns = time_ns;
    contention_give_up(&fixture->waits[waiter], MSC_WAIT_TIMEOUT);
}

/* As the inline path of our locks does. */
static void acquires_without_waiting(struct fixture *fixture, uint64_t time_ns)
{
    now_ns = time_ns;
    atomic_fetch_add(&fixture->id.hold_seq, 1);
    struct page_lock *entry = lock_contended(&fixture->id);
    if (entry)
        contention_overtake(entry, MSC_MODE_EXCLUSIVE, 0);
}

static void releases(struct fixture *fixture, uint64_t time_ns)
{
    now_ns = time_ns;
    struct contention_release release;
    struct page_lock *entry = lock_contended(&fixture->id);
    if (!entry || !contention_to_settle(entry))
        return;
    contention_release(entry, MSC_MODE_EXCLUSIVE, true, &release);
    contention_tell(&release, STACK_HERE());
}

static void assert_conserved(const struct fixture *fixture)
{
    struct sums sums = recorded_sums(fixture);
    assert_int_equal(sums.wait_ns, sums.charge_ns + sums.handoff_ns);
    assert_int_equal(atomic_load(&fixture->entry->word), 0);
}

static void assert_release(size_t n, uint64_t charge_ns, uint64_t handoff_ns, uint64_t contended_ns, uint32_t waiters)
{
    const struct msc_ev_lock_release *release = &recorded(MSC_EVENT_LOCK_RELEASE, n)->release;
    assert_int_equal(release->charge_ns, charge_ns);
    assert_int_equal(release->handoff_ns, handoff_ns);
    assert_int_equal(release->contended_ns, contended_ns);
    assert_int_equal(release->waiters, waiters);
}

/* The example of contention.h. */
static void test_release_charges_every_waiter(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(50);
    acquires_without_waiting(fixture, 50);
    joins(fixture, 0, 100);
    joins(fixture, 1, 130);
    releases(fixture, 200);
    acquires(fixture, 0, 203);
    releases(fixture, 210);
    acquires(fixture, 1, 211);
    releases(fixture, 220);
    assert_release(0, 170, 0, 100, 2);
    assert_release(1, 7, 6, 7, 1);
    assert_release(2, 0, 1, 0, 0);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_RELEASE), 3);
    assert_conserved(fixture);
}

static void test_a_wait_names_its_owner_its_hold_and_its_length(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    releases(fixture, 200);
    acquires(fixture, 0, 205);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_WAIT), 0); /* not while it holds the lock */
    releases(fixture, 300);
    const struct lock_record *record = recorded(MSC_EVENT_LOCK_WAIT, 0);
    assert_int_equal(record->wait.lock, (uintptr_t)fixture);
    assert_int_equal(record->wait.lock_gen, atomic_load(&fixture->id.gen));
    assert_string_equal(record->wait.name, "lock");
    assert_int_equal(record->wait.begin_ns, 100);
    assert_int_equal(record->wait.wait_ns, 105);
    assert_int_equal(record->wait.result, MSC_WAIT_ACQUIRED);
    assert_int_equal(record->wait.owner_tid, 77);
    assert_int_equal(record->wait.hold_seq, 2);
    assert_int_equal(record->wait.weight, MSC_WEIGHT_ONE);
    assert_int_equal(recorded(MSC_EVENT_LOCK_RELEASE, 0)->release.hold_seq, 1);
    assert_int_equal(recorded(MSC_EVENT_LOCK_RELEASE, 1)->release.hold_seq, 2);
}

/* Five holders of 1, 5, 2, 3 and 4 s that arrive together: the sequence that Go 1.22 gets wrong (golang#73760). */
static void test_five_holders_are_charged_what_each_cost_the_others(void **state)
{
    (void)state;
    static const uint64_t hold_s[] = {1, 5, 2, 3, 4}, charge_s[] = {4, 15, 4, 3};
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    for (int waiter = 1; waiter < 5; waiter++)
        joins(fixture, waiter, 0);
    uint64_t time_s = 0;
    for (int holder = 0; holder < 5; holder++) {
        if (holder > 0)
            acquires(fixture, holder, time_s * 1000000000);
        time_s += hold_s[holder];
        releases(fixture, time_s * 1000000000);
    }
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_RELEASE), 4); /* the last one cost nobody anything */
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(recorded(MSC_EVENT_LOCK_RELEASE, i)->release.charge_ns, charge_s[i] * 1000000000);
    assert_conserved(fixture);
}

/*
 * The arithmetic of Go 1.22 (sema.go, mprof.go) for waiters that all came at 0 and are let in in turn: the head's wait,
 * and for the others the middle between head and tail. It sets the tail's time before it reads it where the next head
 * is the tail, and never counts down to no others.
 */
static void go_charges(const uint64_t *hold_s, uint64_t charge_s[4])
{
    uint64_t head_since = 0, tail_since = 0, now = 0, others = 3;
    for (int unlock = 0; unlock < 4; unlock++) {
        now += hold_s[unlock];
        uint64_t since = head_since;
        bool is_last = unlock == 3, next_is_tail = unlock == 2;
        uint64_t tail = is_last ? since : next_is_tail ? now : tail_since;
        charge_s[unlock] = (now - since) + (now - tail + now - since) / 2 * others;
        others -= others > 1;
        head_since = tail_since = now;
    }
}

/* Whoever is charged by another rule is found out by the plan of the test before this one. */
static void test_gos_arithmetic_fails_the_planned_holds(void **state)
{
    (void)state;
    static const uint64_t hold_s[] = {1, 5, 2, 3, 4}, truth_s[] = {4, 15, 4, 3}, reported_s[] = {4, 15, 3, 6};
    uint64_t charge_s[4];
    go_charges(hold_s, charge_s);
    assert_memory_equal(charge_s, reported_s, sizeof charge_s); /* as golang#73760 says */
    assert_memory_not_equal(charge_s, truth_s, sizeof charge_s);
}

static void test_a_waiter_that_gives_up_leaves_its_time_to_the_holder(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    gives_up(fixture, 0, 150);
    const struct msc_ev_lock_wait *wait = &recorded(MSC_EVENT_LOCK_WAIT, 0)->wait; /* at once: it holds nothing */
    assert_int_equal(wait->wait_ns, 50);
    assert_int_equal(wait->result, MSC_WAIT_TIMEOUT);
    assert_int_equal(wait->hold_seq, 0);
    releases(fixture, 400);
    assert_release(0, 50, 0, 300, 0);
    assert_conserved(fixture);
}

static void test_a_waiter_that_gives_up_beside_another_changes_nothing_for_it(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    joins(fixture, 1, 110);
    gives_up(fixture, 0, 150);
    releases(fixture, 200);
    assert_release(0, 50 + 90, 0, 100, 1);
    acquires(fixture, 1, 200);
    releases(fixture, 300);
    assert_conserved(fixture);
}

static void test_an_overtaker_settles_the_gap_as_handoff(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    releases(fixture, 200);
    acquires_without_waiting(fixture, 230); /* another thread was faster than the waiter */
    releases(fixture, 250);
    acquires(fixture, 0, 255);
    releases(fixture, 260);
    assert_release(0, 100, 0, 100, 1);
    assert_release(1, 20, 30, 20, 1);
    assert_release(2, 0, 5, 0, 0);
    assert_conserved(fixture);
}

static void test_a_clock_beyond_48_bits_charges_the_same(void **state)
{
    (void)state;
    uint64_t start = (UINT64_C(1) << 48) * 3 - 150; /* passes a multiple of 2^48 within the wait */
    struct fixture *fixture = fixture_at(start);
    acquires_without_waiting(fixture, start);
    joins(fixture, 0, start + 100);
    joins(fixture, 1, start + 130);
    releases(fixture, start + 200);
    assert_release(0, 170, 0, 100, 2);
    acquires(fixture, 0, start + 203);
    releases(fixture, start + 203);
    acquires(fixture, 1, start + 203);
    releases(fixture, start + 203);
    assert_conserved(fixture);
}

static struct fixture *interrupted;
static int interruptions;

/* Another thread joins between our look at the clock and our swap, at a later time than ours. */
static uint64_t interrupting_now(void)
{
    uint64_t ours = now_ns;
    if (interruptions-- > 0) {
        clock_source = fake_now;
        joins(interrupted, 1, ours + 5);
        clock_source = interrupting_now;
    }
    return ours;
}

static void test_a_lost_race_reads_the_clock_again(void **state)
{
    (void)state;
    interrupted = fixture_at(0);
    acquires_without_waiting(interrupted, 0);
    joins(interrupted, 0, 100);
    interruptions = 1;
    clock_source = interrupting_now;
    releases(interrupted, 200); /* 205 by the time that it succeeds: with 200, the charge would be negative */
    clock_source = fake_now;
    assert_release(0, 105, 0, 105, 2);
    assert_int_equal(recorded(MSC_EVENT_LOCK_RELEASE, 0)->release.release_ns, 205);
}

static void test_the_first_waiter_need_not_have_written_its_time(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 20);
    releases(fixture, 40);
    acquires(fixture, 0, 40);
    releases(fixture, 50);
    acquires_without_waiting(fixture, 60);
    uint64_t not_written = atomic_load(&fixture->entry->first_ns);
    joins(fixture, 1, 100);
    atomic_store(&fixture->entry->first_ns, not_written); /* preempted right after it joined */
    releases(fixture, 180);
    assert_release(1, 80, 0, 80, 1);
}

static void test_a_handoff_is_told_although_waits_are_not(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    atomic_store(&gates[MSC_EVENT_LOCK_WAIT].state.on, 0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    releases(fixture, 200);
    acquires(fixture, 0, 210);
    releases(fixture, 300);
    assert_release(1, 0, 10, 0, 0);
    assert_int_equal(lock_record_count, 2);
}

static void test_the_65536th_waiter_is_dropped_and_counted(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(1000);
    uint64_t full = UINT64_C(0xffff) << 48 | ((UINT64_C(0xffff) * 1000) & ((UINT64_C(1) << 48) - 1));
    atomic_store(&fixture->entry->word, full);
    joins(fixture, 0, 1000);
    gives_up(fixture, 0, 1000);
    assert_int_equal(atomic_load(&fixture->entry->word), full);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_WAIT), 0);
    lock_retire(&fixture->id);
    assert_int_equal(recorded_totals("lock")->dropped, 1);
}

static void test_tracing_that_ends_within_a_hold_still_settles_it(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    gates_set(0);
    releases(fixture, 200);
    acquires(fixture, 0, 210);
    gates_set(1);
    releases(fixture, 220);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_RELEASE), 1); /* the first one ended while nobody listened */
    assert_release(0, 0, 10, 0, 0);
    lock_retire(&fixture->id);
    const struct msc_ev_lock_totals *totals = recorded_totals("lock");
    assert_int_equal(totals->wait_ns, 110);
    assert_int_equal(totals->charge_ns, 100);
    assert_int_equal(totals->handoff_ns, 10);
}

static void test_totals_are_kept_although_nothing_is_sampled(void **state)
{
    (void)state;
    config.mutex_mode = MSC_SAMPLER_OFF;
    config_apply(&config);
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    joins(fixture, 1, 140);
    gives_up(fixture, 1, 190);
    releases(fixture, 200);
    acquires(fixture, 0, 230);
    releases(fixture, 240);
    assert_int_equal(lock_record_count, 0);
    lock_retire(&fixture->id);
    const struct msc_ev_lock_totals *totals = recorded_totals("lock");
    assert_int_equal(totals->lock, (uintptr_t)fixture);
    assert_int_equal(totals->ops, 2);
    assert_int_equal(totals->contentions, 2);
    assert_int_equal(totals->wait_ns, 130 + 50);
    assert_int_equal(totals->charge_ns, 150);
    assert_int_equal(totals->handoff_ns, 30);
    assert_int_equal(totals->max_ns, 130);
    assert_int_equal(totals->dropped, 0);
}

static void test_waits_without_a_slot_are_counted_and_stay_in_the_totals(void **state)
{
    (void)state;
    enum { PROBED = 16, MORE_THAN_SLOTS = 40 }; /* waits that other tests did not end may keep some */
    struct fixture *fixture = fixture_at(0);
    static struct contention_wait waits[MORE_THAN_SLOTS];
    const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_MUTEX};
    acquires_without_waiting(fixture, 0);
    now_ns = 100;
    for (int i = 0; i < MORE_THAN_SLOTS; i++)
        contention_join(fixture->entry, &how, STACK_HERE(), &waits[i]);
    now_ns = 110;
    for (int i = 0; i < MORE_THAN_SLOTS; i++)
        contention_give_up(&waits[i], MSC_WAIT_TIMEOUT);
    releases(fixture, 200);
    lock_retire(&fixture->id);
    const struct msc_ev_lock_totals *totals = recorded_totals("lock");
    struct sums sums = recorded_sums(fixture);
    assert_in_range(sums.waits, 1, PROBED);
    assert_int_equal(totals->dropped, MORE_THAN_SLOTS - sums.waits);
    assert_int_equal(totals->wait_ns, MORE_THAN_SLOTS * 10);
    assert_int_equal(totals->charge_ns, MORE_THAN_SLOTS * 10);
}

/* In the child: the parent's waiters are gone, its own are counted from now on. */
static int child_forgets(struct fixture *fixture)
{
    releases(fixture, 500);
    bool forgot = lock_record_count == 0 && atomic_load(&fixture->entry->word) == 0;
    acquires_without_waiting(fixture, 600);
    joins(fixture, 3, 700);
    releases(fixture, 800);
    const struct msc_ev_lock_release *release = &lock_records[0].release;
    return forgot && lock_record_count == 1 && release->charge_ns == 100 && release->waiters == 1 ? 0 : 1;
}

static void test_a_forked_child_forgets_its_parents_waiters(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    joins(fixture, 1, 100);
    pid_t child = fork();
    if (child == 0)
        _exit(child_forgets(fixture));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    releases(fixture, 200);
    assert_release(0, 200, 0, 100, 2);
}

/* The holder forked. A thread of the child came to wait: its parent's part of the hold is its parent's to tell. */
static int child_tells_its_own(struct fixture *fixture)
{
    lock_record_count = 0;
    joins(fixture, 1, 400);
    releases(fixture, 500);
    const struct msc_ev_lock_release *release = &lock_records[0].release;
    return lock_record_count == 1 && release->charge_ns == 100 && release->handoff_ns == 0 ? 0 : 1;
}

static void test_a_child_does_not_tell_the_wait_of_its_parent_again(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins(fixture, 0, 100);
    releases(fixture, 150);
    acquires(fixture, 0, 200);
    pid_t child = fork();
    if (child == 0)
        _exit(child_tells_its_own(fixture));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    releases(fixture, 300);
    assert_conserved(fixture);
}

/* A thread of the child comes to wait and gets no further than to forget the parent; then the holder releases. */
static void test_a_release_beside_a_thread_that_forgets_the_parent_is_safe(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    joins(fixture, 0, 100);
    acquires(fixture, 0, 200);
    pid_t child = fork();
    if (child == 0) {
        acquires_without_waiting(fixture, 400);
        releases(fixture, 500);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    releases(fixture, 300);
    assert_conserved(fixture);
}

/* --- Readers and writers ------------------------------------------------------------------------------------ */

static void overtakes_as_reader(struct fixture *fixture, uint64_t time_ns)
{
    now_ns = time_ns;
    contention_overtake(fixture->entry, MSC_MODE_SHARED, 0);
}

static void reader_releases(struct fixture *fixture, bool last, uint64_t time_ns)
{
    now_ns = time_ns;
    struct contention_release release;
    assert_true(contention_to_settle(fixture->entry));
    contention_release(fixture->entry, MSC_MODE_SHARED, last, &release);
    contention_tell(&release, STACK_HERE());
}

static void test_each_reader_is_charged_since_the_one_before_it(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0); /* two readers hold it */
    joins(fixture, 0, 100);                  /* a writer waits */
    reader_releases(fixture, false, 150);
    reader_releases(fixture, true, 180);
    acquires(fixture, 0, 185);
    releases(fixture, 300);
    assert_release(0, 50, 0, 50, 1);
    assert_release(1, 30, 0, 30, 1);
    assert_release(2, 0, 5, 0, 0);
    assert_int_equal(recorded(MSC_EVENT_LOCK_RELEASE, 0)->release.mode, MSC_MODE_SHARED);
    assert_int_equal(recorded(MSC_EVENT_LOCK_RELEASE, 2)->release.mode, MSC_MODE_EXCLUSIVE);
    assert_conserved(fixture);
}

static void test_a_reader_that_joins_a_group_hands_nothing_off(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0); /* one reader holds it */
    joins(fixture, 0, 100);                  /* a writer waits */
    overtakes_as_reader(fixture, 120);
    reader_releases(fixture, false, 150); /* the first one */
    reader_releases(fixture, true, 160);
    acquires(fixture, 0, 160);
    releases(fixture, 170);
    assert_release(0, 50, 0, 50, 1);
    assert_release(1, 10, 0, 10, 1);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_RELEASE), 2);
    assert_conserved(fixture);
}

static void test_of_readers_let_in_together_the_first_settles_the_handoff(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    acquires_without_waiting(fixture, 0);
    joins_as(fixture, 0, MSC_MODE_SHARED, 100);
    joins_as(fixture, 1, MSC_MODE_SHARED, 110);
    releases(fixture, 200);
    acquires(fixture, 0, 205);
    acquires(fixture, 1, 207); /* 2 ns after the first: while that one holds it */
    reader_releases(fixture, false, 300);
    reader_releases(fixture, true, 310);
    assert_release(0, 190, 0, 100, 2);
    struct sums sums = recorded_sums(fixture);
    assert_int_equal(sums.handoff_ns, 10);
    assert_int_equal(sums.charge_ns, 192);
    assert_int_equal(sums.waits, 2);
    assert_conserved(fixture);
}

/* Several locks read at once by one thread: each release tells of its own wait. */
static void test_what_a_reader_has_to_tell_is_kept_per_lock(void **state)
{
    (void)state;
    enum { LOCKS = 6 }; /* more than are kept: the rest is told at once */
    static struct fixture held[LOCKS];
    fixture_at(0);
    for (int i = 0; i < LOCKS; i++) {
        held[i] = (struct fixture){.id.name = "read", .id.counts = 1};
        joins_as(&held[i], 0, MSC_MODE_SHARED, 100);
        atomic_store(&held[i].entry->is_free, 1);
        acquires(&held[i], 0, 110 + (uint64_t)i);
    }
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_WAIT), 2);
    for (int i = 0; i < 4; i++)
        reader_releases(&held[i], true, 200);
    assert_int_equal(recorded_count(MSC_EVENT_LOCK_WAIT), LOCKS);
    assert_int_equal(contention_shared_holds, 0);
    for (int i = 0; i < LOCKS; i++)
        assert_int_equal(recorded_sums(&held[i]).wait_ns, 10 + i);
}

/* --- Condition variables -------------------------------------------------------------------------------------- */

static void relocks(struct fixture *fixture, uint64_t begin_ns, uint64_t time_ns)
{
    const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_COND};
    now_ns = time_ns;
    contention_relock_begin(fixture->entry, &how, STACK_HERE(), &fixture->waits[0]);
    contention_relock_end(&fixture->waits[0], begin_ns);
}

static void test_a_relock_is_charged_from_the_signal_to_the_release(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(100);
    uint64_t begin_ns = contention_relock_join(fixture->entry);
    assert_int_equal(begin_ns, 100);
    releases(fixture, 150);
    relocks(fixture, begin_ns, 170); /* 20 ns to wake up: nobody's */
    releases(fixture, 200);
    assert_release(0, 50, 0, 50, 1);
    const struct msc_ev_lock_wait *wait = &recorded(MSC_EVENT_LOCK_WAIT, 0)->wait;
    assert_int_equal(wait->kind, MSC_LOCK_COND);
    assert_int_equal(wait->begin_ns, 100);
    assert_int_equal(wait->wait_ns, 50);
    assert_conserved(fixture);
}

static void test_a_relock_that_nobody_held_up_is_no_contention(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(100);
    relocks(fixture, contention_relock_join(fixture->entry), 130);
    relocks(fixture, 0, 150); /* came back by itself */
    releases(fixture, 200);
    uint64_t begin_ns = contention_relock_join(fixture->entry);
    now_ns = 230;
    contention_relock_cancel(fixture->entry, begin_ns);
    assert_int_equal(lock_record_count, 0);
    assert_conserved(fixture);
}

static void test_a_relock_beside_other_waiters_leaves_them_theirs(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(100);
    uint64_t begin_ns = contention_relock_join_many(fixture->entry, 2);
    joins(fixture, 1, 110);
    releases(fixture, 150);          /* 2 * 50 + 40 */
    relocks(fixture, begin_ns, 170); /* 20 ns of hand-off for the third one, which waits in the kernel */
    releases(fixture, 180);          /* 2 * 10, and the 20 ns in which the second one woke up */
    acquires(fixture, 1, 180);
    releases(fixture, 190);
    relocks(fixture, begin_ns, 200);
    releases(fixture, 210);
    assert_release(0, 140, 0, 50, 3);
    assert_conserved(fixture);
}

/* --- Locks that are not ours ---------------------------------------------------------------------------------- */

static void test_a_foreign_lock_is_found_by_its_address_until_it_is_retired(void **state)
{
    (void)state;
    static int locks[4000];
    fixture_at(0);
    uint32_t listed = 0;
    for (int i = 0; i < 4000; i++) {
        assert_null(contention_of(&locks[i]));
        struct page_lock *entry = contention_enroll(&locks[i], MSC_LOCK_SPIN, STACK_HERE());
        assert_ptr_equal(contention_of(&locks[i]), entry);
        assert_ptr_equal(contention_enroll(&locks[i], MSC_LOCK_SPIN, STACK_HERE()), entry);
        listed += entry != NULL;
    }
    assert_true(listed > 3500); /* a bucket holds four */
    uint64_t gen = atomic_load(&contention_of(&locks[0])->gen);
    for (int i = 0; i < 4000; i++) {
        contention_retire(&locks[i]);
        assert_null(contention_of(&locks[i]));
    }
    assert_int_not_equal(atomic_load(&contention_enroll(&locks[0], MSC_LOCK_SPIN, STACK_HERE())->gen), gen);
    contention_retire(&locks[0]);
}

/* Other locks come, more and more of them, one every 50 ms: more than there are entries. */
static void crowd_out(uint64_t from_ns)
{
    static int others[2 * PAGE_LOCKS];
    now_ns = from_ns;
    for (int i = 0; i < 2 * PAGE_LOCKS; i++, now_ns += 50000000)
        contention_enroll(&others[i], MSC_LOCK_SPIN, STACK_HERE());
    for (int i = 0; i < 2 * PAGE_LOCKS; i++)
        contention_retire(&others[i]);
}

/* A wait for the lock at that address that its holder is charged with. */
static void one_wait_of_10_ns(const void *lock, uint64_t from_ns)
{
    const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_SPIN, .lock = lock};
    struct contention_wait wait;
    struct contention_release release;
    now_ns = from_ns;
    contention_join(contention_enroll(lock, MSC_LOCK_SPIN, STACK_HERE()), &how, STACK_HERE(), &wait);
    now_ns = from_ns + 10;
    contention_give_up(&wait, MSC_WAIT_TIMEOUT);
    contention_release(wait.entry, MSC_MODE_EXCLUSIVE, true, &release);
    contention_tell(&release, STACK_HERE());
}

static const struct msc_ev_lock_totals *totals_of(const void *lock)
{
    const struct msc_ev_lock_totals *found = NULL;
    for (size_t i = 0; i < lock_record_count; i++)
        if (lock_records[i].event == MSC_EVENT_LOCK_TOTALS && lock_records[i].totals.lock == (uintptr_t)lock)
            found = &lock_records[i].totals;
    return found;
}

static void test_a_lock_that_nobody_waits_for_makes_room_and_leaves_its_totals(void **state)
{
    (void)state;
    static int lock;
    fixture_at(0);
    one_wait_of_10_ns(&lock, 100);
    uint64_t gen = atomic_load(&contention_of(&lock)->gen), evicted = atomic_load(&page.header.losses.locks_evicted);
    crowd_out(1000);
    assert_null(contention_of(&lock));
    assert_true(atomic_load(&page.header.losses.locks_evicted) > evicted);
    assert_non_null(totals_of(&lock));
    assert_int_equal(totals_of(&lock)->lock_gen, gen);
    assert_int_equal(totals_of(&lock)->wait_ns, 10);
    assert_int_equal(totals_of(&lock)->charge_ns, 10);
    one_wait_of_10_ns(&lock, now_ns);
    assert_int_not_equal(atomic_load(&contention_of(&lock)->gen), gen);
    contention_retire(&lock);
}

static void test_a_lock_with_a_waiter_or_something_to_tell_keeps_its_entry(void **state)
{
    (void)state;
    static int waited, told, pinned;
    struct contention_wait waits[2];
    fixture_at(0);
    for (int i = 0; i < 2; i++) {
        const void *lock = i == 0 ? &waited : &told;
        const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_SPIN, .lock = lock};
        contention_join(contention_enroll(lock, MSC_LOCK_SPIN, STACK_HERE()), &how, STACK_HERE(), &waits[i]);
    }
    contention_acquire(&waits[1]);
    contention_pin(contention_enroll(&pinned, MSC_LOCK_SPIN, STACK_HERE()));
    crowd_out(1000);
    assert_ptr_equal(contention_of(&waited), waits[0].entry);
    assert_ptr_equal(contention_of(&told), waits[1].entry);
    assert_non_null(contention_of(&pinned));
    struct contention_release release;
    contention_give_up(&waits[0], MSC_WAIT_TIMEOUT);
    contention_release(waits[1].entry, MSC_MODE_EXCLUSIVE, true, &release);
    contention_tell(&release, STACK_HERE());
    contention_retire(&waited);
    contention_retire(&told);
    contention_retire(&pinned);
}

/* Preempted between looking its lock up and joining it. */
static void test_a_waiter_that_comes_to_the_entry_of_another_lock_is_lost_and_counted(void **state)
{
    (void)state;
    static int lock, next;
    fixture_at(0);
    struct page_lock *entry = contention_enroll(&lock, MSC_LOCK_SPIN, STACK_HERE());
    const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_SPIN, .lock = &lock};
    uint64_t lost = atomic_load(&page.header.losses.waits_unlocked);
    crowd_out(1000);
    for (uint64_t word = PAGE_WORD_GONE; word != 1; word = word ? 0 : 1) { /* being evicted; the other's */
        struct contention_wait wait;
        atomic_store(&entry->lock, (uintptr_t)&next);
        atomic_store(&entry->word, word);
        contention_join(entry, &how, STACK_HERE(), &wait);
        contention_acquire(&wait);
        assert_int_equal(atomic_load(&entry->word), word);
    }
    assert_int_equal(atomic_load(&page.header.losses.waits_unlocked) - lost, 2);
}

/* Lost and reported add up, whatever there is no room for. */
static void test_what_is_lost_and_what_is_told_add_up(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_at(0);
    struct page_losses *losses = &page.header.losses;
    uint64_t lost_ns = atomic_load(&losses->waits_unslotted_ns), lost = atomic_load(&losses->waits_unslotted);
    page_limits.waits = 1;
    atomic_store(&page.waits[0].state, PAGE_WAIT_FREE); /* a test that ended within a hold may have had it */
    acquires_without_waiting(fixture, 0);
    for (int waiter = 0; waiter < WAITERS; waiter++)
        joins(fixture, waiter, 100 + (uint64_t)waiter);
    for (int waiter = 0; waiter < WAITERS; waiter++)
        gives_up(fixture, waiter, 200);
    releases(fixture, 300);
    page_limits.waits = PAGE_WAITS;
    lost_ns = atomic_load(&losses->waits_unslotted_ns) - lost_ns;
    struct sums sums = recorded_sums(fixture);
    assert_int_equal(sums.waits, 1);
    assert_int_equal(atomic_load(&losses->waits_unslotted) - lost, WAITERS - 1);
    assert_int_equal(sums.wait_ns + lost_ns, atomic_load(&fixture->entry->vain_ns));
    assert_int_equal(sums.wait_ns + lost_ns, sums.charge_ns);
    assert_int_equal(atomic_load(&fixture->entry->dropped_ns), lost_ns);
    lock_retire(&fixture->id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lock_test(test_release_charges_every_waiter),
        lock_test(test_a_wait_names_its_owner_its_hold_and_its_length),
        lock_test(test_five_holders_are_charged_what_each_cost_the_others),
        lock_test(test_gos_arithmetic_fails_the_planned_holds),
        lock_test(test_a_waiter_that_gives_up_leaves_its_time_to_the_holder),
        lock_test(test_a_waiter_that_gives_up_beside_another_changes_nothing_for_it),
        lock_test(test_an_overtaker_settles_the_gap_as_handoff),
        lock_test(test_a_clock_beyond_48_bits_charges_the_same),
        lock_test(test_a_lost_race_reads_the_clock_again),
        lock_test(test_the_first_waiter_need_not_have_written_its_time),
        lock_test(test_a_handoff_is_told_although_waits_are_not),
        lock_test(test_the_65536th_waiter_is_dropped_and_counted),
        lock_test(test_tracing_that_ends_within_a_hold_still_settles_it),
        lock_test(test_totals_are_kept_although_nothing_is_sampled),
        lock_test(test_waits_without_a_slot_are_counted_and_stay_in_the_totals),
        lock_test(test_a_forked_child_forgets_its_parents_waiters),
        lock_test(test_a_child_does_not_tell_the_wait_of_its_parent_again),
        lock_test(test_a_release_beside_a_thread_that_forgets_the_parent_is_safe),
        lock_test(test_each_reader_is_charged_since_the_one_before_it),
        lock_test(test_a_reader_that_joins_a_group_hands_nothing_off),
        lock_test(test_of_readers_let_in_together_the_first_settles_the_handoff),
        lock_test(test_what_a_reader_has_to_tell_is_kept_per_lock),
        lock_test(test_a_relock_is_charged_from_the_signal_to_the_release),
        lock_test(test_a_relock_that_nobody_held_up_is_no_contention),
        lock_test(test_a_relock_beside_other_waiters_leaves_them_theirs),
        lock_test(test_a_foreign_lock_is_found_by_its_address_until_it_is_retired),
        lock_test(test_a_lock_that_nobody_waits_for_makes_room_and_leaves_its_totals),
        lock_test(test_a_lock_with_a_waiter_or_something_to_tell_keeps_its_entry),
        lock_test(test_a_waiter_that_comes_to_the_entry_of_another_lock_is_lost_and_counted),
        lock_test(test_what_is_lost_and_what_is_told_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
