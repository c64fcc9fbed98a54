/*
 * A profile that is too large for its consumers is made to fit: nearly full, its totals exact, its largest samples
 * kept. With a folder as argument, writes that profile there for the shell test.
 */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "exporters/pprof/pprof.h"
#include "exporters/pprof/pprof_check.h"
#include "model/profile_builder.h"
#include "support/outbuf.h"

enum { STACKS = 9000, DEPTH = 40, NAME_SIZE = 128, TO_PLAIN_BYTES = 64 << 20 };

static const struct symbol_module module = {.id = 1,
                                            .pid = 1,
                                            .path = "/usr/bin/large",
                                            .start = 0x1000,
                                            .limit = 1UL << 40,
                                            .build_id = "",
                                            .reason = "",
                                            .has_functions = true};

/* Locations that live until the profile is finished. */
struct code {
    struct symbol_location location;
    struct symbol_frame frame;
    char name[NAME_SIZE];
};

static void add_stack(struct profile_builder *builder, struct code *frames, int64_t stack)
{
    for (int i = 0; i < DEPTH; i++) {
        struct code *code = &frames[i];
        bool is_shared = i > DEPTH / 2; /* the callers are the same for all */
        unsigned at = is_shared ? (unsigned)i : (unsigned)(stack * DEPTH + i + DEPTH);
        snprintf(code->name, sizeof code->name, "a_namespace::of_some_length::function_number_%u(unsigned long, int)",
                 at);
        code->frame =
            (struct symbol_frame){.function = code->name, .system_name = code->name, .file = "large.cc", .line = at};
        code->location = (struct symbol_location){
            .address = module.start + 16 * (uint64_t)at, .module = &module, .frames = &code->frame, .frame_count = 1};
        profile_builder_frame(builder, 1, &code->location, 0);
    }
    profile_builder_label(builder, "lock", stack % 2 ? "odd" : "even");
    profile_builder_sample(builder, (int64_t[]){1, stack});
}

static struct profile *large_profile(int64_t stacks)
{
    struct profile_builder *builder;
    struct profile *profile;
    struct code *codes = calloc((size_t)stacks * DEPTH, sizeof *codes);
    assert_non_null(codes);
    assert_int_equal(profile_builder_create(&builder), 0);
    profile_builder_value_type(builder, "contentions", "count");
    profile_builder_value_type(builder, "delay", "nanoseconds");
    profile_builder_default_type(builder, "delay");
    profile_builder_period(builder, "contentions", "count", 1);
    profile_builder_time(builder, 1700000000000000000, 2000000000);
    for (int64_t i = 0; i < stacks; i++)
        add_stack(builder, codes + i * DEPTH, i);
    assert_int_equal(profile_builder_finish(builder, &profile), 0);
    free(codes);
    return profile;
}

struct memory {
    unsigned char *bytes;
    size_t size;
};

static int remember(void *self, const void *bytes, size_t size)
{
    struct memory *memory = self;
    memory->bytes = realloc(memory->bytes, memory->size + size);
    assert_non_null(memory->bytes);
    memcpy(memory->bytes + memory->size, bytes, size);
    memory->size += size;
    return 0;
}

static struct memory written(const struct profile *profile)
{
    struct memory memory = {0};
    struct outbuf out;
    assert_int_equal(outbuf_init(&out, remember, &memory), 0);
    assert_int_equal(pprof_write(profile, &out, NULL), 0);
    assert_int_equal(outbuf_flush(&out), 0);
    outbuf_fini(&out);
    return memory;
}

static struct memory unpacked(const struct memory *packed)
{
    struct memory plain = {.bytes = malloc(TO_PLAIN_BYTES)};
    z_stream stream = {
        .next_in = packed->bytes, .avail_in = (uInt)packed->size, .next_out = plain.bytes, .avail_out = TO_PLAIN_BYTES};
    assert_non_null(plain.bytes);
    assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    plain.size = stream.total_out;
    inflateEnd(&stream);
    return plain;
}

static int64_t sum_of(const struct profile *profile, size_t value)
{
    int64_t sum = 0;
    for (size_t i = 0; i < profile->sample_count; i++)
        sum += profile->samples[i].values[value];
    return sum;
}

static void assert_accepted(const struct memory *plain)
{
    struct pprof_verdict verdict;
    assert_int_equal(pprof_check(plain->bytes, plain->size, PPROF_FOR_ALL, &verdict, NULL), 0);
    for (size_t i = 0; i < verdict.breach_count; i++)
        print_error("%s\n", verdict.breaches[i].rule->name);
    assert_int_equal(verdict.breach_count, 0);
}

static void test_a_profile_beyond_the_limit_is_made_to_fit_and_keeps_its_totals(void **state)
{
    (void)state;
    struct profile *profile = large_profile(STACKS);
    struct memory packed = written(profile), plain = unpacked(&packed);
    assert_in_range(plain.size, PROFILE_BYTES_MAX / 100 * 95, PROFILE_BYTES_MAX);
    assert_accepted(&plain);
    assert_in_range(profile->folded_count, 1, STACKS - 1000);
    assert_int_equal(profile->sample_count, STACKS - profile->folded_count + 1);
    assert_int_equal(sum_of(profile, 0), STACKS);
    assert_int_equal(sum_of(profile, 1), (int64_t)STACKS * (STACKS - 1) / 2);
    const struct profile_sample *largest = &profile->samples[0], *sum = &profile->samples[profile->sample_count - 1];
    assert_int_equal(largest->values[1], STACKS - 1);
    assert_int_equal(largest->location_count, DEPTH);
    assert_int_equal(sum->values[0], profile->folded_count); /* the smallest: delays of 0 to that */
    assert_int_equal(sum->values[1], (int64_t)(profile->folded_count * (profile->folded_count - 1) / 2));
    profile_destroy(profile);
    free(packed.bytes);
    free(plain.bytes);
}

static void test_a_profile_within_the_limit_is_left_alone(void **state)
{
    (void)state;
    struct profile *profile = large_profile(100);
    assert_int_equal(profile->folded_count, 0);
    assert_int_equal(profile->sample_count, 100);
    assert_int_equal(profile->samples[0].values[1], 0); /* in the order in which they came */
    profile_destroy(profile);
}

/* Every name that is left is used, and by the sample that it belongs to. */
static void test_names_stay_with_their_samples(void **state)
{
    (void)state;
    struct profile *profile = large_profile(STACKS);
    size_t kept = profile->sample_count - 1;
    assert_int_equal(profile->location_count, kept * (DEPTH / 2 + 1) + DEPTH / 2 - 1 + 1); /* and [smaller samples] */
    assert_int_equal(profile->function_count, profile->location_count);
    for (size_t i = 0; i < kept; i += 97) {
        const struct profile_sample *sample = &profile->samples[i];
        const struct profile_location *leaf =
            &profile->locations[profile->sample_locations[sample->first_location] - 1];
        const struct profile_line *line = &profile->lines[leaf->first_line];
        char name[NAME_SIZE];
        int64_t at = sample->values[1] * DEPTH + DEPTH;
        snprintf(name, sizeof name, "a_namespace::of_some_length::function_number_%d(unsigned long, int)", (int)at);
        assert_int_equal(line->line, at);
        assert_int_equal(leaf->address, module.start + 16 * (uint64_t)at);
        assert_string_equal(strtab_text(profile->strings, profile->functions[line->function - 1].name), name);
        const struct profile_label *label = &profile->labels[sample->first_label];
        assert_string_equal(strtab_text(profile->strings, label->key), "lock");
        assert_string_equal(strtab_text(profile->strings, label->text), sample->values[1] % 2 ? "odd" : "even");
    }
    profile_destroy(profile);
}

static int write_large(const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/large.pb.gz", folder);
    struct profile *profile = large_profile(STACKS);
    struct memory packed = written(profile);
    FILE *file = fopen(path, "wb");
    bool is_written = file && fwrite(packed.bytes, packed.size, 1, file) == 1;
    profile_destroy(profile);
    free(packed.bytes);
    return file && fclose(file) == 0 && is_written ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_profile_beyond_the_limit_is_made_to_fit_and_keeps_its_totals),
        cmocka_unit_test(test_a_profile_within_the_limit_is_left_alone),
        cmocka_unit_test(test_names_stay_with_their_samples),
    };
    return argc > 1 ? write_large(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
