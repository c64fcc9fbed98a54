/*
 * The bytes of a profile, read back with zlib and protobuf-c's own parser. Called with a folder, the program
 * writes the fixture's profiles there instead, for tests/e2e/test_pprof_go.sh.
 */
#include "model/contention_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "exporters/exporter.h"
#include "exporters/pprof/pprof.h"
#include "model/profile_limits.h"
#include "profile.pb-c.h"

typedef Perftools__Profiles__Profile message;

static struct findings no_findings;
static struct lock_snapshots no_snapshots;

static struct export_input input_of(const struct fixture *f)
{
    return (struct export_input){.source = "trace",
                                 .begin_ns = 1000,
                                 .end_ns = 2000001000,
                                 .end_epoch_ns = 1700000000000000000,
                                 .own_events = 30,
                                 .losses = &f->losses,
                                 .processes = &f->processes,
                                 .stacks = f->stacks,
                                 .symbols = &f->symbols,
                                 .contention = &f->view,
                                 .findings = &no_findings,
                                 .snapshots = &no_snapshots};
}

/* A drain into memory; refuses everything beyond `limit`. */
struct memory {
    unsigned char *bytes;
    size_t size, limit;
};

static int remember(void *self, const void *bytes, size_t size)
{
    struct memory *memory = self;
    if (memory->size + size > memory->limit)
        return -ENOSPC;
    memory->bytes = realloc(memory->bytes, memory->size + size);
    assert_non_null(memory->bytes);
    memcpy(memory->bytes + memory->size, bytes, size);
    memory->size += size;
    return 0;
}

static int export(const struct exporter *exporter, const struct fixture *f, struct memory *memory)
{
    struct export_input input = input_of(f);
    struct outbuf out;
    assert_int_equal(outbuf_init(&out, remember, memory), 0);
    int error = exporter->write(&input, &out, NULL);
    if (!error)
        error = outbuf_flush(&out);
    outbuf_fini(&out);
    return error;
}

static message *parse(const struct memory *memory)
{
    enum { ROOM = 1 << 20 };
    unsigned char *plain = malloc(ROOM);
    assert_non_null(plain);
    z_stream stream = {.next_in = memory->bytes, .avail_in = (uInt)memory->size, .next_out = plain, .avail_out = ROOM};
    assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    message *profile = perftools__profiles__profile__unpack(NULL, stream.total_out, plain);
    assert_non_null(profile);
    inflateEnd(&stream);
    free(plain);
    return profile;
}

static void free_message(message *profile)
{
    perftools__profiles__profile__free_unpacked(profile, NULL);
}

static message *exported(const struct exporter *exporter)
{
    struct fixture f;
    fixture_init(&f);
    struct memory memory = {.limit = SIZE_MAX};
    assert_int_equal(export(exporter, &f, &memory), 0);
    message *profile = parse(&memory);
    free(memory.bytes);
    fixture_fini(&f);
    return profile;
}

static void test_samples_come_back_with_their_values(void **state)
{
    (void)state;
    message *profile = exported(&exporter_pprof_mutex);
    static const int64_t expected[][2] = {{10, 1500000000}, {3, 200}, {0, 777}, {1, 300}};
    assert_int_equal(profile->n_sample, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(profile->sample[i]->n_value, 2);
        assert_int_equal(profile->sample[i]->value[0], expected[i][0]);
        assert_int_equal(profile->sample[i]->value[1], expected[i][1]);
    }
    assert_int_equal(profile->sample[0]->n_location_id, 3);
    assert_int_equal(profile->sample[2]->n_location_id, 1);
    free_message(profile);
}

static void test_header_comes_back(void **state)
{
    (void)state;
    message *profile = exported(&exporter_pprof_block);
    char **strings = profile->string_table;
    assert_string_equal(strings[0], "");
    assert_int_equal(profile->n_sample_type, 2);
    assert_string_equal(strings[profile->sample_type[0]->type], "contentions");
    assert_string_equal(strings[profile->sample_type[0]->unit], "count");
    assert_string_equal(strings[profile->sample_type[1]->type], "delay");
    assert_string_equal(strings[profile->sample_type[1]->unit], "nanoseconds");
    assert_string_equal(strings[profile->default_sample_type], "delay");
    assert_string_equal(strings[profile->period_type->type], "contentions");
    assert_int_equal(profile->period, 1);
    assert_int_equal(profile->time_nanos, 1700000000000000000);
    assert_int_equal(profile->duration_nanos, 2000000000);
    assert_string_equal(strings[profile->comment[0]], "mapscope block profile: who waited");
    free_message(profile);
}

static void test_tables_come_back_with_dense_ids(void **state)
{
    (void)state;
    message *profile = exported(&exporter_pprof_mutex);
    char **strings = profile->string_table;
    for (size_t i = 0; i < profile->n_mapping; i++)
        assert_int_equal(profile->mapping[i]->id, i + 1);
    for (size_t i = 0; i < profile->n_location; i++)
        assert_int_equal(profile->location[i]->id, i + 1);
    for (size_t i = 0; i < profile->n_function; i++)
        assert_int_equal(profile->function[i]->id, i + 1);
    const Perftools__Profiles__Mapping *main = profile->mapping[0];
    assert_string_equal(strings[main->filename], "/opt/app/server");
    assert_string_equal(strings[main->build_id], "c0ffee");
    assert_int_equal(main->memory_start, 0x401000);
    assert_int_equal(main->memory_limit, 0x402000);
    assert_int_equal(main->file_offset, 0x1000);
    assert_true(main->has_functions && main->has_filenames && main->has_line_numbers && main->has_inline_frames);
    const Perftools__Profiles__Location *leaf = profile->location[profile->sample[0]->location_id[0] - 1];
    assert_int_equal(leaf->address, IN_PUT - 1);
    assert_int_equal(leaf->mapping_id, 1);
    assert_int_equal(leaf->n_line, 2);
    assert_int_equal(leaf->line[0]->line, 7);
    const Perftools__Profiles__Function *inlined = profile->function[leaf->line[0]->function_id - 1];
    assert_string_equal(strings[inlined->name], "key_hash");
    assert_string_equal(strings[inlined->filename], "session_cache.c");
    assert_int_equal(inlined->start_line, 5);
    free_message(profile);
}

static void test_labels_come_back_as_strings(void **state)
{
    (void)state;
    message *profile = exported(&exporter_pprof_block);
    const Perftools__Profiles__Sample *sample = profile->sample[2];
    const char *result = NULL, *lock = NULL;
    for (size_t i = 0; i < sample->n_label; i++) {
        const char *key = profile->string_table[sample->label[i]->key];
        if (sample->label[i]->str == 0) {
            assert_string_equal(key, "pid"); /* the only number */
            assert_int_equal(sample->label[i]->num, SERVER);
        }
        if (strcmp(key, "result") == 0)
            result = profile->string_table[sample->label[i]->str];
        if (strcmp(key, "lock") == 0)
            lock = profile->string_table[sample->label[i]->str];
    }
    assert_string_equal(result, "timeout");
    assert_string_equal(lock, "session table");
    free_message(profile);
}

static void test_equal_input_gives_equal_bytes(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct memory first = {.limit = SIZE_MAX}, second = {.limit = SIZE_MAX};
    assert_int_equal(export(&exporter_pprof_mutex, &f, &first), 0);
    assert_int_equal(export(&exporter_pprof_mutex, &f, &second), 0);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.bytes, second.bytes, first.size);
    free(first.bytes);
    free(second.bytes);
    fixture_fini(&f);
}

static void note(void *self, const char *text)
{
    snprintf(self, 256, "%s", text);
}

/* One stack, held by more threads than consumers take samples. */
static void test_a_profile_that_is_cut_down_says_so(void **state)
{
    (void)state;
    enum { THREADS = PROFILE_SAMPLES_MAX + 10 };
    static char names[THREADS][16], said[256];
    struct contention_part *parts = calloc(THREADS, sizeof *parts);
    assert_non_null(parts);
    for (int i = 0; i < THREADS; i++) {
        snprintf(names[i], sizeof names[i], "thread-%d", i);
        parts[i] = (struct contention_part){.thread = names[i], .count = 1, .delay_ns = 1000 + (uint64_t)i};
    }
    struct fixture f;
    fixture_init(&f);
    struct export_input input = input_of(&f);
    struct memory memory = {.limit = SIZE_MAX};
    struct outbuf out;
    assert_int_equal(outbuf_init(&out, remember, &memory), 0);
    input.warn = note;
    input.self = said;
    assert_int_equal(exporter_pprof_mutex.write(&input, &out, NULL), 0);
    assert_string_equal(said, "");
    f.sites[0].parts = parts;
    f.sites[0].part_count = THREADS;
    assert_int_equal(exporter_pprof_mutex.write(&input, &out, NULL), 0);
    assert_non_null(strstr(said, "the 14 smallest stacks are summed as [smaller samples]"));
    outbuf_fini(&out);
    free(memory.bytes);
    free(parts);
    fixture_fini(&f);
}

static void test_a_full_disk_is_an_error(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct memory memory = {.limit = 16};
    assert_int_equal(export(&exporter_pprof_mutex, &f, &memory), -ENOSPC);
    free(memory.bytes);
    fixture_fini(&f);
}

static void test_a_profile_that_breaks_a_rule_is_not_written(void **state)
{
    (void)state;
    struct profile profile = {.value_type_count = 0};
    assert_int_equal(strtab_create(&profile.strings), 0);
    struct memory memory = {.limit = SIZE_MAX};
    struct outbuf out;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(outbuf_init(&out, remember, &memory), 0);
    assert_int_equal(pprof_write(&profile, &out, &diag), -EINVAL);
    assert_string_equal(diag_text(&diag), "the profile breaks a rule of the format: 0 sample types, not 1 to 4");
    assert_int_equal(outbuf_flush(&out), 0);
    assert_int_equal(memory.size, 0);
    outbuf_fini(&out);
    diag_fini(&diag);
    strtab_destroy(profile.strings);
}

/* For the shell test */

static void write_file(const struct exporter *exporter, const struct fixture *f, const char *folder, const char *name)
{
    char *path;
    struct outfile file;
    struct export_input input = input_of(f);
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    assert_int_equal(outfile_open(&file, path, NULL), 0);
    assert_int_equal(exporter->write(&input, &file.out, NULL), 0);
    assert_int_equal(outfile_commit(&file, NULL), 0);
    free(path);
}

static int write_profiles(const char *folder)
{
    struct fixture f;
    fixture_init(&f);
    write_file(&exporter_pprof_mutex, &f, folder, "mutex.pb.gz");
    write_file(&exporter_pprof_block, &f, folder, "block.pb.gz");
    f.sites[0].delay_ns = f.parts[4].delay_ns +=
        5000000; /* as if the first releaser had been charged 5 ms more since */
    f.sites[0].count = f.parts[4].count += 2;
    write_file(&exporter_pprof_mutex, &f, folder, "later.pb.gz");
    fixture_empty(&f);
    write_file(&exporter_pprof_mutex, &f, folder, "empty.pb.gz");
    fixture_fini(&f);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_come_back_with_their_values),
        cmocka_unit_test(test_header_comes_back),
        cmocka_unit_test(test_tables_come_back_with_dense_ids),
        cmocka_unit_test(test_labels_come_back_as_strings),
        cmocka_unit_test(test_equal_input_gives_equal_bytes),
        cmocka_unit_test(test_a_profile_that_is_cut_down_says_so),
        cmocka_unit_test(test_a_full_disk_is_an_error),
        cmocka_unit_test(test_a_profile_that_breaks_a_rule_is_not_written),
    };
    return argc > 1 ? write_profiles(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
