/* See elf_image.h. Only files of our own byte order and word size are looked into further than their header. */
#include "collector/doctor/elf_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined __x86_64__
enum { OWN_MACHINE = EM_X86_64 };
#elif defined __aarch64__
enum { OWN_MACHINE = EM_AARCH64 };
#endif

#define PIECE_MAX (UINT64_C(256) << 20) /* bytes */

/* ---- pieces ---- */

static int read_fully(int fd, uint8_t *bytes, size_t size, uint64_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, bytes + done, size - done, (off_t)(offset + done));
        if (got == 0)
            return -EBADMSG;
        if (got < 0 && errno != EINTR)
            return -errno;
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

int elf_image_read(const struct elf_image *image, uint64_t offset, uint64_t size, struct elf_bytes *out)
{
    if (offset > image->size || size > image->size - offset || size > PIECE_MAX)
        return -EBADMSG;
    uint8_t *data = malloc(size + 1);
    if (!data)
        return -ENOMEM;
    int error = read_fully(image->fd, data, size, offset);
    if (error) {
        free(data);
        return error;
    }
    data[size] = '\0';
    *out = (struct elf_bytes){data, size};
    return 0;
}

/* A table of `count` entries. Damage is noted and yields an empty table; only real failures are errors. */
static int read_table(struct elf_image *image, uint64_t offset, uint64_t bytes, struct elf_bytes *out)
{
    int error = bytes ? elf_image_read(image, offset, bytes, out) : 0;
    if (error != -EBADMSG)
        return error;
    image->is_damaged = true;
    return 0;
}

/* ---- header, segments, sections ---- */

static bool has_own_layout(const unsigned char *ident)
{
    int own_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
    return ident[EI_CLASS] == ELFCLASS64 && ident[EI_DATA] == own_order;
}

/* The header's beginning is the same for 32 and 64 bits. */
static int read_header(struct elf_image *image, Elf64_Ehdr *header)
{
    uint8_t *bytes = (uint8_t *)header;
    memset(header, 0, sizeof *header);
    size_t size = image->size < sizeof *header ? image->size : sizeof *header;
    int error = read_fully(image->fd, bytes, size, 0);
    if (error)
        return error == -EBADMSG ? -ENOEXEC : error;
    if (size < EI_NIDENT + 4 || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return -ENOEXEC;
    bool is_big = bytes[EI_DATA] == ELFDATA2MSB;
    image->machine = (uint16_t)(is_big ? bytes[18] << 8 | bytes[19] : bytes[19] << 8 | bytes[18]);
    image->bits = bytes[EI_CLASS] == ELFCLASS32 ? 32 : 64;
    image->is_foreign = !has_own_layout(bytes) || image->machine != OWN_MACHINE;
    image->type = header->e_type;
    image->is_damaged = !image->is_foreign && size < sizeof *header;
    return 0;
}

static int read_segments(struct elf_image *image, const Elf64_Ehdr *header)
{
    struct elf_bytes bytes = {0};
    if (header->e_phentsize != sizeof *image->segments) {
        image->is_damaged |= header->e_phnum > 0;
        return 0;
    }
    int error = read_table(image, header->e_phoff, (uint64_t)header->e_phnum * sizeof *image->segments, &bytes);
    image->segments = (Elf64_Phdr *)(void *)bytes.data;
    image->segments_count = bytes.size / sizeof *image->segments;
    return error;
}

static int read_sections(struct elf_image *image, const Elf64_Ehdr *header)
{
    struct elf_bytes bytes = {0};
    if (header->e_shentsize != sizeof *image->sections)
        return 0;
    int error = read_table(image, header->e_shoff, (uint64_t)header->e_shnum * sizeof *image->sections, &bytes);
    image->sections = (Elf64_Shdr *)(void *)bytes.data;
    image->sections_count = bytes.size / sizeof *image->sections;
    if (error || header->e_shstrndx >= image->sections_count)
        return error;
    const Elf64_Shdr *names = &image->sections[header->e_shstrndx];
    return read_table(image, names->sh_offset, names->sh_size, &image->section_names);
}

/* The first segment of a type (PT_*), or NULL. */
static const Elf64_Phdr *first_segment(const struct elf_image *image, uint32_t type)
{
    for (size_t i = 0; i < image->segments_count; i++)
        if (image->segments[i].p_type == type)
            return &image->segments[i];
    return NULL;
}

const Elf64_Shdr *elf_image_section(const struct elf_image *image, const char *name)
{
    for (size_t i = 0; i < image->sections_count; i++) {
        const Elf64_Shdr *section = &image->sections[i];
        if (section->sh_type != SHT_NOBITS && section->sh_size > 0 && section->sh_name < image->section_names.size &&
            strcmp((const char *)image->section_names.data + section->sh_name, name) == 0)
            return section;
    }
    return NULL;
}

/* ---- what the loader is told ---- */

/* Where the byte of that address lies in the file. */
static bool find_offset(const struct elf_image *image, uint64_t address, uint64_t *offset)
{
    for (size_t i = 0; i < image->segments_count; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        if (segment->p_type != PT_LOAD || address < segment->p_vaddr || address - segment->p_vaddr >= segment->p_filesz)
            continue;
        *offset = segment->p_offset + (address - segment->p_vaddr);
        return *offset >= segment->p_offset;
    }
    return false;
}

static uint64_t dynamic_value(const struct elf_image *image, int64_t tag)
{
    for (size_t i = 0; i < image->dynamic_count; i++)
        if (image->dynamic[i].d_tag == tag)
            return image->dynamic[i].d_un.d_val;
    return 0;
}

static int read_dynamic_strings(struct elf_image *image)
{
    uint64_t offset, size = dynamic_value(image, DT_STRSZ);
    if (size == 0)
        return 0;
    if (find_offset(image, dynamic_value(image, DT_STRTAB), &offset))
        return read_table(image, offset, size, &image->dynamic_strings);
    image->is_damaged = true;
    return 0;
}

static int read_dynamic(struct elf_image *image)
{
    struct elf_bytes bytes = {0};
    const Elf64_Phdr *segment = first_segment(image, PT_DYNAMIC);
    int error = segment ? read_table(image, segment->p_offset, segment->p_filesz, &bytes) : 0;
    image->dynamic = (Elf64_Dyn *)(void *)bytes.data;
    size_t room = bytes.size / sizeof *image->dynamic;
    while (image->dynamic_count < room && image->dynamic[image->dynamic_count].d_tag != DT_NULL)
        image->dynamic_count++;
    return error ? error : read_dynamic_strings(image);
}

const char *elf_image_dynamic(const struct elf_image *image, int64_t tag, size_t *at)
{
    while (*at < image->dynamic_count) {
        const Elf64_Dyn *entry = &image->dynamic[(*at)++];
        if (entry->d_tag == tag && entry->d_un.d_val < image->dynamic_strings.size)
            return (const char *)image->dynamic_strings.data + entry->d_un.d_val;
    }
    return NULL;
}

/* The names of dynamic symbols are in the table of dynamic strings, a NUL before and behind each. */
bool elf_image_has_dynamic_symbol(const struct elf_image *image, const char *name)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%c%s", '\0', name);
    const struct elf_bytes *strings = &image->dynamic_strings;
    return length > 0 && (size_t)length < sizeof text && strings->data &&
           memmem(strings->data, strings->size, text, (size_t)length + 1) != NULL;
}

int elf_image_interpreter(const struct elf_image *image, char **path)
{
    struct elf_bytes bytes;
    const Elf64_Phdr *segment = first_segment(image, PT_INTERP);
    int error = segment ? elf_image_read(image, segment->p_offset, segment->p_filesz, &bytes) : -ENOENT;
    if (!error)
        *path = (char *)bytes.data;
    return error;
}

/* ---- build id ---- */

static uint64_t padded(uint32_t size)
{
    return ((uint64_t)size + 3) & ~UINT64_C(3);
}

/* Looks through the notes of one segment. */
static int find_build_id(const struct elf_bytes *notes, struct elf_bytes *id)
{
    Elf64_Nhdr note;
    for (uint64_t at = 0; at + sizeof note <= notes->size;) {
        memcpy(&note, notes->data + at, sizeof note);
        uint64_t name = at + sizeof note, content = name + padded(note.n_namesz);
        at = content + padded(note.n_descsz);
        if (content + note.n_descsz > notes->size)
            return -ENOENT;
        if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof ELF_NOTE_GNU || note.n_descsz == 0 ||
            memcmp(notes->data + name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) != 0)
            continue;
        id->data = malloc(note.n_descsz);
        if (!id->data)
            return -ENOMEM;
        id->size = note.n_descsz;
        memcpy(id->data, notes->data + content, id->size);
        return 0;
    }
    return -ENOENT;
}

int elf_image_build_id(const struct elf_image *image, struct elf_bytes *id)
{
    int error = -ENOENT;
    for (size_t i = 0; i < image->segments_count && error == -ENOENT; i++) {
        struct elf_bytes notes = {0};
        const Elf64_Phdr *segment = &image->segments[i];
        if (segment->p_type != PT_NOTE || elf_image_read(image, segment->p_offset, segment->p_filesz, &notes))
            continue;
        error = find_build_id(&notes, id);
        free(notes.data);
    }
    return error;
}

/* ---- the whole ---- */

const char *elf_image_machine(const struct elf_image *image, char text[ELF_MACHINE_SIZE])
{
    static const struct {
        uint16_t machine;
        const char *name;
    } names[] = {{EM_X86_64, "x86-64"},   {EM_AARCH64, "aarch64"}, {EM_386, "i386"},           {EM_ARM, "arm"},
                 {EM_RISCV, "riscv"},     {EM_PPC64, "ppc64"},     {EM_S390, "s390"},          {EM_MIPS, "mips"},
                 {EM_SPARCV9, "sparc64"}, {EM_PPC, "ppc"},         {EM_LOONGARCH, "loongarch"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].machine == image->machine)
            return names[i].name;
    snprintf(text, ELF_MACHINE_SIZE, "machine %u", image->machine);
    return text;
}

static int read_all(struct elf_image *image)
{
    Elf64_Ehdr header;
    int error = read_header(image, &header);
    if (error || image->is_foreign)
        return error;
    error = read_segments(image, &header);
    if (!error)
        error = read_sections(image, &header);
    return error ? error : read_dynamic(image);
}

int elf_image_open_fd(int fd, struct elf_image *image)
{
    struct stat status;
    *image = (struct elf_image){.fd = fd};
    int error = fstat(fd, &status) ? -errno : S_ISREG(status.st_mode) ? 0 : S_ISDIR(status.st_mode) ? -EISDIR : -EACCES;
    if (!error) {
        image->size = (uint64_t)status.st_size;
        error = read_all(image);
    }
    if (error)
        elf_image_close(image);
    return error;
}

int elf_image_open(const char *path, struct elf_image *image)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to hang on a pipe */
    return fd < 0 ? -errno : elf_image_open_fd(fd, image);
}

void elf_image_close(struct elf_image *image)
{
    free(image->segments);
    free(image->sections);
    free(image->section_names.data);
    free(image->dynamic);
    free(image->dynamic_strings.data);
    close(image->fd);
    *image = (struct elf_image){.fd = -1};
}
