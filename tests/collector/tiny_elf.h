/*
 * The smallest ELF files that have what the doctor looks at, made in memory: header, segments, dynamic
 * section, build id, unwind tables. Addresses are offsets in the file.
 */
#ifndef TESTS_COLLECTOR_TINY_ELF_H
#define TESTS_COLLECTOR_TINY_ELF_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TINY_ELF_MAX = 4096, TINY_ELF_NEEDED_MAX = 4 };

#if defined __x86_64__
enum { TINY_ELF_MACHINE = EM_X86_64 };
#else
enum { TINY_ELF_MACHINE = EM_AARCH64 };
#endif

/* What is NULL or 0 is left out. */
struct tiny_elf {
    uint16_t type, machine; /* 0 = ET_DYN, our own */
    const char *interpreter;
    const char *needed[TINY_ELF_NEEDED_MAX];
    const char *run_path, *rpath, *symbol;
    const char *build_id; /* its bytes as a string */
    const uint8_t *frames;
    size_t frames_size;
};

struct tiny_elf_writer {
    uint8_t *bytes;
    size_t size;
    Elf64_Ehdr header;
    Elf64_Phdr segments[4];
};

static inline size_t tiny_elf_append(struct tiny_elf_writer *writer, const void *bytes, size_t size)
{
    size_t at = (writer->size + 7) & ~(size_t)7;
    memcpy(writer->bytes + at, bytes, size);
    writer->size = at + size;
    return at;
}

static inline void tiny_elf_segment(struct tiny_elf_writer *writer, uint32_t type, size_t offset, size_t size)
{
    writer->segments[writer->header.e_phnum++] =
        (Elf64_Phdr){.p_type = type, .p_offset = offset, .p_vaddr = offset, .p_filesz = size, .p_memsz = size};
}

/* Puts `text` into the table of strings; returns where. */
static inline size_t tiny_elf_string(char strings[512], size_t *size, const char *text)
{
    size_t at = *size;
    strcpy(strings + at, text);
    *size += strlen(text) + 1;
    return at;
}

static inline void tiny_elf_dynamic(struct tiny_elf_writer *writer, const struct tiny_elf *elf)
{
    char strings[512] = "";
    size_t size = 1, count = 0;
    Elf64_Dyn dynamic[TINY_ELF_NEEDED_MAX + 5] = {0};
    for (int i = 0; i < TINY_ELF_NEEDED_MAX && elf->needed[i]; i++)
        dynamic[count++] = (Elf64_Dyn){DT_NEEDED, {tiny_elf_string(strings, &size, elf->needed[i])}};
    if (elf->run_path)
        dynamic[count++] = (Elf64_Dyn){DT_RUNPATH, {tiny_elf_string(strings, &size, elf->run_path)}};
    if (elf->rpath)
        dynamic[count++] = (Elf64_Dyn){DT_RPATH, {tiny_elf_string(strings, &size, elf->rpath)}};
    if (elf->symbol)
        tiny_elf_string(strings, &size, elf->symbol);
    dynamic[count++] = (Elf64_Dyn){DT_STRTAB, {tiny_elf_append(writer, strings, size)}};
    dynamic[count++] = (Elf64_Dyn){DT_STRSZ, {size}};
    count++; /* DT_NULL */
    tiny_elf_segment(writer, PT_DYNAMIC, tiny_elf_append(writer, dynamic, count * sizeof *dynamic),
                     count * sizeof *dynamic);
}

static inline void tiny_elf_note(struct tiny_elf_writer *writer, const char *build_id)
{
    uint8_t note[64] = {0};
    Elf64_Nhdr header = {sizeof ELF_NOTE_GNU, (uint32_t)strlen(build_id), NT_GNU_BUILD_ID};
    memcpy(note, &header, sizeof header);
    memcpy(note + sizeof header, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU);
    memcpy(note + sizeof header + sizeof ELF_NOTE_GNU, build_id, strlen(build_id));
    size_t size = sizeof header + sizeof ELF_NOTE_GNU + (strlen(build_id) + 3) / 4 * 4;
    tiny_elf_segment(writer, PT_NOTE, tiny_elf_append(writer, note, size), size);
}

static inline void tiny_elf_sections(struct tiny_elf_writer *writer, const struct tiny_elf *elf)
{
    static const char names[] = "\0.eh_frame\0.shstrtab";
    size_t frames_at = tiny_elf_append(writer, elf->frames, elf->frames_size);
    size_t names_at = tiny_elf_append(writer, names, sizeof names);
    Elf64_Shdr sections[] = {
        {0},
        {.sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = frames_at, .sh_size = elf->frames_size},
        {.sh_name = 11, .sh_type = SHT_STRTAB, .sh_offset = names_at, .sh_size = sizeof names},
    };
    writer->header.e_shoff = tiny_elf_append(writer, sections, sizeof sections);
    writer->header.e_shentsize = sizeof *sections;
    writer->header.e_shnum = 3;
    writer->header.e_shstrndx = 2;
}

/* Returns how many bytes it has. */
static inline size_t tiny_elf_make(const struct tiny_elf *elf, uint8_t bytes[TINY_ELF_MAX])
{
    struct tiny_elf_writer writer = {.bytes = bytes, .size = sizeof writer.header + sizeof writer.segments};
    memset(bytes, 0, TINY_ELF_MAX);
    writer.header = (Elf64_Ehdr){.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                                 .e_type = elf->type ? elf->type : ET_DYN,
                                 .e_machine = elf->machine ? elf->machine : TINY_ELF_MACHINE,
                                 .e_phoff = sizeof writer.header,
                                 .e_phentsize = sizeof *writer.segments};
    tiny_elf_segment(&writer, PT_LOAD, 0, TINY_ELF_MAX);
    if (elf->interpreter)
        tiny_elf_segment(&writer, PT_INTERP, tiny_elf_append(&writer, elf->interpreter, strlen(elf->interpreter) + 1),
                         strlen(elf->interpreter) + 1);
    tiny_elf_dynamic(&writer, elf);
    if (elf->build_id)
        tiny_elf_note(&writer, elf->build_id);
    if (elf->frames)
        tiny_elf_sections(&writer, elf);
    writer.segments[0].p_filesz = writer.size;
    memcpy(bytes, &writer.header, sizeof writer.header);
    memcpy(bytes + sizeof writer.header, writer.segments, sizeof writer.segments);
    return writer.size;
}

#endif
