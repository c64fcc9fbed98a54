/*
 * An ELF file as the loader will see it: for what machine it is, which loader and libraries it asks for,
 * its build id and its sections. Read by hand and piece by piece: nothing in the file is trusted, every
 * piece lies within the file and has a bounded size, and a file that shrinks meanwhile is only damaged.
 *
 *     struct elf_image image;
 *     int error = elf_image_open("/usr/bin/server", &image);
 *     if (error)
 *         return error;
 *     size_t at = 0;
 *     for (const char *name; !image.is_foreign && (name = elf_image_dynamic(&image, DT_NEEDED, &at));)
 *         puts(name);
 *     elf_image_close(&image);
 *
 * Not thread-safe.
 */
#ifndef COLLECTOR_DOCTOR_ELF_IMAGE_H
#define COLLECTOR_DOCTOR_ELF_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of the file, owned, with a NUL behind it. */
struct elf_bytes {
    uint8_t *data;
    size_t size;
};

struct elf_image {
    int fd; /* owned */
    uint64_t size;
    bool is_foreign;  /* for another machine than ours: only `machine` and `bits` are known */
    uint16_t machine; /* EM_* */
    uint8_t bits;     /* 32 or 64 */
    uint16_t type;    /* ET_* */
    bool is_damaged;  /* a table lies outside of the file: it is as if empty */
    Elf64_Phdr *segments;
    Elf64_Shdr *sections;
    size_t segments_count, sections_count;
    struct elf_bytes section_names;
    Elf64_Dyn *dynamic;
    size_t dynamic_count;
    struct elf_bytes dynamic_strings;
};

/* 0, or what open(2) and read(2) say; -ENOEXEC = no ELF file, -EISDIR and -EACCES = no plain file. */
int elf_image_open(const char *path, struct elf_image *image);

/* Takes a descriptor, which is closed on failure too. */
int elf_image_open_fd(int fd, struct elf_image *image);
void elf_image_close(struct elf_image *image);

/* The section of that name that has content in this very file, or NULL. */
const Elf64_Shdr *elf_image_section(const struct elf_image *image, const char *name);

/* The next string of that tag (DT_NEEDED, DT_RUNPATH ...) at or behind *at, which moves on; NULL = no more. */
const char *elf_image_dynamic(const struct elf_image *image, int64_t tag, size_t *at);

/* Whether the file imports or exports a symbol of that name. */
bool elf_image_has_dynamic_symbol(const struct elf_image *image, const char *name);

/* The content of PT_INTERP: 0 with *path to be freed, -ENOENT = none, or another negative errno. */
int elf_image_interpreter(const struct elf_image *image, char **path);

/* The bytes of the build id (to be freed): 0, -ENOENT = none, or another negative errno. */
int elf_image_build_id(const struct elf_image *image, struct elf_bytes *id);

/* Reads a piece: 0, -EBADMSG = it is not in the file or larger than 256 MiB, or another negative errno. */
int elf_image_read(const struct elf_image *image, uint64_t offset, uint64_t size, struct elf_bytes *out);

/* "x86-64", "aarch64"; a number for what has no name here. `text` is room for it. */
enum { ELF_MACHINE_SIZE = 24 };
const char *elf_image_machine(const struct elf_image *image, char text[ELF_MACHINE_SIZE]);

#endif
