/* What the doctor reads from ELF files: exact on whole ones, and safe on damaged ones (for the sanitizers). */
#include "support/cmocka_main.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/doctor/elf_frames.h"
#include "collector/doctor/elf_image.h"
#include "collector/tiny_elf.h"

#if defined __x86_64__
enum { FP = 6, OTHER = 3 };
#else
enum { FP = 29, OTHER = 19 };
#endif

static int open_bytes(const void *bytes, size_t size, struct elf_image *image)
{
    int fd = memfd_create("elf", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    return elf_image_open_fd(fd, image);
}

static void open_elf(const struct tiny_elf *elf, struct elf_image *image)
{
    uint8_t bytes[TINY_ELF_MAX];
    assert_int_equal(open_bytes(bytes, tiny_elf_make(elf, bytes), image), 0);
    assert_false(image->is_foreign);
    assert_false(image->is_damaged);
}

/* ---- unwind tables ---- */

struct table {
    uint8_t bytes[1024];
    size_t size;
};

/* "zR", addresses as 4 bytes relative to themselves. */
static const uint8_t cie[] = {17, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 0, 0, 0, 0};

static void add_bytes(struct table *table, const void *bytes, size_t size)
{
    memcpy(table->bytes + table->size, bytes, size);
    table->size += size;
}

/* An FDE of the CIE at `cie_at`. */
static void add_function(struct table *table, size_t cie_at, const uint8_t *instructions, size_t size)
{
    uint32_t head[] = {(uint32_t)(4 + 8 + 1 + size), (uint32_t)(table->size + 4 - cie_at), 0x11223344, 0x55};
    add_bytes(table, head, sizeof head);
    add_bytes(table, &(uint8_t){0}, 1);
    add_bytes(table, instructions, size);
}

#define ADD_FUNCTION(table, ...)                                                                                       \
    add_function((table), 0, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static struct table table_begin(void)
{
    struct table table = {.size = 0};
    add_bytes(&table, cie, sizeof cie);
    return table;
}

static struct elf_frames count(const struct table *table)
{
    struct elf_image image;
    struct elf_frames frames;
    open_elf(&(struct tiny_elf){.frames = table->bytes, .frames_size = table->size}, &image);
    assert_int_equal(elf_frames_count(&image, &frames), 0);
    elf_image_close(&image);
    return frames;
}

static void test_a_function_found_by_frame_pointer_keeps_it(void **state)
{
    (void)state;
    struct table table = table_begin();
    ADD_FUNCTION(&table, 0x41, 0x0e, 16, 0x80 | FP, 2, 0x43, 0x0d, FP, 0, 0); /* def_cfa_offset, def_cfa_register */
    ADD_FUNCTION(&table, 0x41, 0x0c, FP, 16, 0);                              /* def_cfa */
    ADD_FUNCTION(&table, 0x41, 0x0e, 16, 0x43, 0x0d, OTHER, 0);               /* def_cfa_register, another one */
    ADD_FUNCTION(&table, 0x02, 4, 0x0e, 32, 0x80 | FP, 2);                    /* pushed, but not found by it */
    struct elf_frames frames = count(&table);
    assert_int_equal(frames.functions, 4);
    assert_int_equal(frames.kept, 2);
}

static void test_a_function_without_a_frame_does_not_count(void **state)
{
    (void)state;
    struct table table = table_begin();
    ADD_FUNCTION(&table, 0, 0, 0);
    ADD_FUNCTION(&table, 0x0e, 16, 0x0f, 2, 0x0d, FP); /* an expression: the linker's jump table */
    struct elf_frames frames = count(&table);
    assert_int_equal(frames.functions, 0);
    assert_int_equal(frames.kept, 0);
}

/* In each the bytes 0x0d FP, "found by frame pointer", are an operand and no instruction. */
static void test_operands_are_no_instructions(void **state)
{
    (void)state;
    struct table table = table_begin();
    ADD_FUNCTION(&table, 0x0e, 16, 0x03, 0x0d, FP);           /* advance_loc2 */
    ADD_FUNCTION(&table, 0x0e, 16, 0x04, 0x0d, FP, 0x0d, FP); /* advance_loc4 */
    ADD_FUNCTION(&table, 0x0e, 16, 0x05, 0x0d, FP);           /* offset_extended */
    ADD_FUNCTION(&table, 0x0e, 16, 0x09, 3, 0x0d, FP, 1);     /* register; the rest is none with two operands */
    ADD_FUNCTION(&table, 0x0e, 16, 0x10, 0x0d, 2, 0x0d, FP);  /* expression with a block */
    ADD_FUNCTION(&table, 0x0e, 16, 0x16, 0x8d, 0x0d, 3, 0x0d, FP, 0x0d);          /* val_expression, long LEB128 */
    ADD_FUNCTION(&table, 0x0e, 16, 0x01, 0x0d, FP, 0x0d, FP, 0x2e, 0x0d);         /* set_loc, args_size */
    ADD_FUNCTION(&table, 0x0e, 16, 0x82, 0x0d, 0xc3, 0x0a, 0x0b, 0x06, 0x0d, FP); /* the last one is no known one */
    struct elf_frames frames = count(&table);
    assert_int_equal(frames.functions, 8);
    assert_int_equal(frames.kept, 0);
}

static void test_each_function_has_the_cie_that_it_names(void **state)
{
    (void)state;
    struct table table = table_begin();
    size_t second = table.size;
    static const uint8_t wide_cie[] = {17, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1c, 0, 0, 0, 0};
    add_bytes(&table, wide_cie, sizeof wide_cie);          /* addresses of 8 bytes */
    const uint8_t wide[] = {0,    0,  0,    0, 0, 0, 0, 0, /* the rest of the address and length, no augmentation */
                            0x0e, 16, 0x0d, FP};
    add_function(&table, second, wide, sizeof wide);
    ADD_FUNCTION(&table, 0x0e, 16, 0x0d, FP);
    struct elf_frames frames = count(&table);
    assert_int_equal(frames.functions, 2);
    assert_int_equal(frames.kept, 2);
}

static void test_damaged_unwind_tables_end_the_count(void **state)
{
    (void)state;
    struct table table = table_begin();
    ADD_FUNCTION(&table, 0x0e, 16, 0x0d, FP);
    size_t whole = table.size;
    ADD_FUNCTION(&table, 0x0e, 16, 0x0d, FP);
    table.bytes[whole] = 200; /* longer than what is there */
    assert_int_equal(count(&table).functions, 1);
    table.bytes[whole] = 17;
    table.bytes[whole + 4] = 250; /* its CIE lies before the section */
    assert_int_equal(count(&table).functions, 1);
}

static void test_a_file_without_unwind_tables(void **state)
{
    (void)state;
    struct elf_image image;
    struct elf_frames frames;
    open_elf(&(struct tiny_elf){.interpreter = "/lib/ld.so"}, &image);
    assert_int_equal(elf_frames_count(&image, &frames), -ENOENT);
    elf_image_close(&image);
}

/* ---- what the loader is told ---- */

static void test_interpreter_libraries_and_build_id_are_read(void **state)
{
    (void)state;
    struct elf_image image;
    open_elf(&(struct tiny_elf){.interpreter = "/lib/ld.so",
                                .needed = {"liba.so.1", "libb.so.2"},
                                .run_path = "$ORIGIN/../lib",
                                .symbol = "__asan_init",
                                .build_id = "\x12\x34\x56\x78\x9a"},
             &image);
    char *interpreter;
    assert_int_equal(elf_image_interpreter(&image, &interpreter), 0);
    assert_string_equal(interpreter, "/lib/ld.so");
    free(interpreter);
    size_t at = 0;
    assert_string_equal(elf_image_dynamic(&image, DT_NEEDED, &at), "liba.so.1");
    assert_string_equal(elf_image_dynamic(&image, DT_NEEDED, &at), "libb.so.2");
    assert_null(elf_image_dynamic(&image, DT_NEEDED, &at));
    assert_string_equal(elf_image_dynamic(&image, DT_RUNPATH, &(size_t){0}), "$ORIGIN/../lib");
    assert_true(elf_image_has_dynamic_symbol(&image, "__asan_init"));
    assert_false(elf_image_has_dynamic_symbol(&image, "asan_init"));
    assert_false(elf_image_has_dynamic_symbol(&image, "__asan"));
    struct elf_bytes id;
    assert_int_equal(elf_image_build_id(&image, &id), 0);
    assert_int_equal(id.size, 5);
    assert_memory_equal(id.data, "\x12\x34\x56\x78\x9a", 5);
    free(id.data);
    elf_image_close(&image);
}

static void test_what_a_file_does_not_have_is_not_found(void **state)
{
    (void)state;
    struct elf_image image;
    char *interpreter;
    struct elf_bytes id;
    open_elf(&(struct tiny_elf){.type = ET_EXEC}, &image);
    assert_int_equal(image.type, ET_EXEC);
    assert_int_equal(elf_image_interpreter(&image, &interpreter), -ENOENT);
    assert_int_equal(elf_image_build_id(&image, &id), -ENOENT);
    assert_null(elf_image_section(&image, ".eh_frame"));
    elf_image_close(&image);
}

static void test_other_machines_are_foreign(void **state)
{
    (void)state;
    struct elf_image image;
    uint8_t bytes[TINY_ELF_MAX];
    char text[ELF_MACHINE_SIZE];
    size_t size = tiny_elf_make(&(struct tiny_elf){.machine = EM_RISCV}, bytes);
    assert_int_equal(open_bytes(bytes, size, &image), 0);
    assert_true(image.is_foreign);
    assert_string_equal(elf_image_machine(&image, text), "riscv");
    elf_image_close(&image);
    tiny_elf_make(&(struct tiny_elf){.machine = EM_386}, bytes);
    bytes[EI_CLASS] = ELFCLASS32;
    assert_int_equal(open_bytes(bytes, 52, &image), 0); /* as long as a header of 32 bits */
    assert_true(image.is_foreign);
    assert_int_equal(image.bits, 32);
    assert_string_equal(elf_image_machine(&image, text), "i386");
    elf_image_close(&image);
    tiny_elf_make(&(struct tiny_elf){.machine = 0x1500}, bytes); /* 21 = ppc64, as a big-endian file has it */
    bytes[EI_DATA] = ELFDATA2MSB;
    assert_int_equal(open_bytes(bytes, size, &image), 0);
    assert_true(image.is_foreign);
    assert_string_equal(elf_image_machine(&image, text), "ppc64");
    elf_image_close(&image);
}

static void test_what_is_no_elf_file(void **state)
{
    (void)state;
    struct elf_image image;
    assert_int_equal(open_bytes("", 0, &image), -ENOEXEC);
    assert_int_equal(open_bytes("#!/bin/sh\necho a longer text than a header has\n############", 60, &image), -ENOEXEC);
    assert_int_equal(elf_image_open("/", &image), -EISDIR);
    assert_int_equal(elf_image_open("/dev/null", &image), -EACCES);
    assert_int_equal(elf_image_open("/nowhere", &image), -ENOENT);
}

/* ---- hostile files ---- */

/* Everything that the doctor does with a file. */
static void use(const void *bytes, size_t size)
{
    struct elf_image image;
    struct elf_frames frames;
    struct elf_bytes id;
    char *interpreter, text[ELF_MACHINE_SIZE];
    if (open_bytes(bytes, size, &image))
        return;
    assert_non_null(elf_image_machine(&image, text));
    if (elf_image_interpreter(&image, &interpreter) == 0)
        free(interpreter);
    if (elf_image_build_id(&image, &id) == 0)
        free(id.data);
    size_t length = 0, at = 0;
    for (const char *name; (name = elf_image_dynamic(&image, DT_NEEDED, &at));)
        length += strlen(name);
    assert_true(length <= size);
    elf_image_has_dynamic_symbol(&image, "__asan_init");
    if (elf_frames_count(&image, &frames) == 0)
        assert_true(frames.kept <= frames.functions && frames.functions <= size);
    elf_image_close(&image);
}

static size_t make_full(uint8_t bytes[TINY_ELF_MAX])
{
    struct table table = table_begin();
    ADD_FUNCTION(&table, 0x0e, 16, 0x10, 3, 2, 0x0d, FP, 0x0d, FP);
    ADD_FUNCTION(&table, 0x41, 0x0c, FP, 16);
    return tiny_elf_make(&(struct tiny_elf){.interpreter = "/lib/ld.so",
                                            .needed = {"liba.so.1", "libb.so.2"},
                                            .build_id = "0123456789",
                                            .frames = table.bytes,
                                            .frames_size = table.size},
                         bytes);
}

static void test_a_file_cut_anywhere_does_no_harm(void **state)
{
    (void)state;
    uint8_t bytes[TINY_ELF_MAX];
    size_t size = make_full(bytes);
    for (size_t cut = 0; cut <= size; cut++)
        use(bytes, cut);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    return *seed ^= *seed << 17;
}

static void test_a_file_changed_anywhere_does_no_harm(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, 0x7f, 0x80, 0xff, 0xffff, UINT32_MAX, UINT64_MAX, INT64_MAX, 4096};
    uint8_t whole[TINY_ELF_MAX], bytes[TINY_ELF_MAX];
    size_t size = make_full(whole);
    uint64_t seed = 20240607;
    for (int round = 0; round < 20000; round++) {
        memcpy(bytes, whole, size);
        for (uint64_t changes = 1 + next_random(&seed) % 4; changes > 0; changes--) {
            size_t width = (size_t)1 << next_random(&seed) % 4, at = next_random(&seed) % (size - width);
            uint64_t value = next_random(&seed) % 2 ? values[next_random(&seed) % 10] : next_random(&seed);
            memcpy(bytes + at, &value, width);
        }
        use(bytes, size);
    }
}

static void test_damage_is_noted(void **state)
{
    (void)state;
    uint8_t bytes[TINY_ELF_MAX];
    struct elf_image image;
    size_t size = make_full(bytes);
    assert_int_equal(open_bytes(bytes, size - 1, &image), 0); /* the sections' table is the last thing */
    assert_true(image.is_damaged);
    assert_int_equal(image.sections_count, 0);
    assert_int_equal(image.segments_count, 4);
    elf_image_close(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_function_found_by_frame_pointer_keeps_it),
        cmocka_unit_test(test_a_function_without_a_frame_does_not_count),
        cmocka_unit_test(test_operands_are_no_instructions),
        cmocka_unit_test(test_each_function_has_the_cie_that_it_names),
        cmocka_unit_test(test_damaged_unwind_tables_end_the_count),
        cmocka_unit_test(test_a_file_without_unwind_tables),
        cmocka_unit_test(test_interpreter_libraries_and_build_id_are_read),
        cmocka_unit_test(test_what_a_file_does_not_have_is_not_found),
        cmocka_unit_test(test_other_machines_are_foreign),
        cmocka_unit_test(test_what_is_no_elf_file),
        cmocka_unit_test(test_a_file_cut_anywhere_does_no_harm),
        cmocka_unit_test(test_a_file_changed_anywhere_does_no_harm),
        cmocka_unit_test(test_damage_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
