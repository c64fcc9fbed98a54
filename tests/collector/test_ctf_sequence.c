/* What is missing between packets, from their numbers and counters. */
#include "support/cmocka_main.h"

#include "collector/ctf/sequence.h"

static void note(struct ctf_sequence *sequence, uint64_t number, uint64_t damaged)
{
    struct ctf_packet packet = {.has_sequence = true, .sequence = number};
    ctf_sequence_note(sequence, &packet, damaged);
}

static void note_discarded(struct ctf_sequence *sequence, uint64_t counter, uint32_t bits)
{
    struct ctf_packet packet = {.discarded = counter, .discarded_bits = bits};
    ctf_sequence_note(sequence, &packet, 0);
}

static void test_gaps_and_a_late_start_are_lost(void **state)
{
    (void)state;
    struct ctf_sequence sequence = {0};
    note(&sequence, 2, 0);
    note(&sequence, 3, 0);
    note(&sequence, 10, 0);
    assert_int_equal(sequence.lost_packets, 2 + 6);
}

static void test_damaged_packets_explain_their_gap(void **state)
{
    (void)state;
    struct ctf_sequence sequence = {0};
    note(&sequence, 0, 0);
    note(&sequence, 2, 1);
    assert_int_equal(sequence.lost_packets, 0);
    note(&sequence, 6, 1);
    assert_int_equal(sequence.lost_packets, 2);
    note(&sequence, 7, 5); /* damaged all the same, but nothing is missing */
    assert_int_equal(sequence.lost_packets, 2);
}

static void test_an_absurd_number_is_not_believed(void **state)
{
    (void)state;
    struct ctf_sequence sequence = {0};
    note(&sequence, 0, 0);
    note(&sequence, UINT64_MAX, 0);
    note(&sequence, UINT64_C(1) << 50, 0);
    note(&sequence, 1, 0);
    assert_int_equal(sequence.lost_packets, 0);
}

static void test_the_highest_counter_counts(void **state)
{
    (void)state;
    static const uint64_t counters[] = {0, 83811, 0, 83811, 500, 90000, 89999};
    struct ctf_sequence sequence = {0};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        note_discarded(&sequence, counters[i], 64);
    assert_int_equal(sequence.discarded_events, 90000);
}

static void test_a_narrow_counter_wraps(void **state)
{
    (void)state;
    struct ctf_sequence sequence = {0};
    note_discarded(&sequence, 0x7fffffff, 32);
    note_discarded(&sequence, 0xfffffff0, 32);
    note_discarded(&sequence, 0x10, 32);
    note_discarded(&sequence, 0xfffffff8, 32); /* late, from before the wrap */
    assert_int_equal(sequence.discarded_events, UINT64_C(0x100000010));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps_and_a_late_start_are_lost),
        cmocka_unit_test(test_damaged_packets_explain_their_gap),
        cmocka_unit_test(test_an_absurd_number_is_not_believed),
        cmocka_unit_test(test_the_highest_counter_counts),
        cmocka_unit_test(test_a_narrow_counter_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
