/* A folder for files that the doctor looks at, and one of its checks on one target. */
#ifndef TESTS_COLLECTOR_DOCTOR_FIXTURE_H
#define TESTS_COLLECTOR_DOCTOR_FIXTURE_H

#include "support/cmocka_main.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/doctor/checks.h"
#include "collector/session/buffers.h"
#include "collector/tiny_elf.h"

static char folder[] = "/tmp/mapscope-doctor-XXXXXX";

static inline int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static inline int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static inline int tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void write_file(const char *path, const void *bytes, size_t size)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0700);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static inline void write_elf(const char *path, const struct tiny_elf *elf)
{
    uint8_t bytes[TINY_ELF_MAX];
    size_t size = tiny_elf_make(elf, bytes);
    write_file(path, bytes, size);
}

static struct checkup checkup;

static inline void examine(const char *target, check_fn *check)
{
    struct patient patient;
    checkup_fini(&checkup);
    assert_int_equal(patient_init(&patient, target, BUFFERS_RING_DEFAULT), 0);
    check(&patient, &checkup);
    assert_false(checkup.is_short);
    patient_fini(&patient);
}

static inline void examine_elf(const struct tiny_elf *elf, check_fn *check)
{
    write_elf("program", elf);
    examine("./program", check);
}

/* The last line says so. */
static inline void expect(enum verdict verdict, const char *found)
{
    assert_true(checkup.count > 0);
    const struct checkup_line *line = &checkup.lines[checkup.count - 1];
    if (line->verdict != verdict || !strstr(line->found, found))
        fail_msg("verdict %d: %s", line->verdict, line->found);
}

static inline void expect_mend(const char *mend)
{
    const char *text = checkup.lines[checkup.count - 1].mend;
    if (!text || !strstr(text, mend))
        fail_msg("mend: %s", text ? text : "(none)");
}

#endif
