/* See symbolize_elf.h. libelf checks what it reads against the file's size; results are checked here. */
#include "collector/symbolize/symbolize_elf.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, COPIED_BYTES_MAX = 256 << 20 };

bool build_id_equal(const struct build_id *a, const struct build_id *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* Notes */

static bool is_build_id(const GElf_Nhdr *note, const Elf_Data *data, size_t name, size_t content)
{
    return note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof ELF_NOTE_GNU &&
           memcmp((const char *)data->d_buf + name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0 && note->n_descsz > 0 &&
           note->n_descsz <= PROCESS_BUILD_ID_MAX && content + note->n_descsz <= data->d_size;
}

static bool find_build_id(Elf_Data *data, struct build_id *out)
{
    GElf_Nhdr note;
    size_t name, content, next;
    for (size_t at = 0; (next = gelf_getnote(data, at, &note, &name, &content)) > at; at = next) {
        if (!is_build_id(&note, data, name, content))
            continue;
        memcpy(out->bytes, (const char *)data->d_buf + content, note.n_descsz);
        out->length = note.n_descsz;
        return true;
    }
    return false;
}

/* Sections rather than segments: the note's segment of a debug file has no content. */
static void read_build_id(struct elf_file *file)
{
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(file->elf, section))) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        if (data && data->d_buf && find_build_id(data, &file->build_id))
            return;
    }
}

/* Segments */

static bool next_load(const struct elf_file *file, size_t *index, GElf_Phdr *out)
{
    size_t count;
    if (elf_getphdrnum(file->elf, &count))
        return false;
    while (*index < count && *index < INT32_MAX)
        if (gelf_getphdr(file->elf, (int)(*index)++, out) && out->p_type == PT_LOAD)
            return true;
    return false;
}

bool elf_file_segment(const struct elf_file *file, uint64_t address, struct elf_segment *out)
{
    GElf_Phdr load;
    for (size_t i = 0; next_load(file, &i, &load);) {
        uint64_t lead = load.p_vaddr % PAGE_BYTES;
        if (address < load.p_vaddr || address - load.p_vaddr >= load.p_memsz || load.p_offset < lead)
            continue;
        uint64_t pages = (lead + load.p_memsz + PAGE_BYTES - 1) / PAGE_BYTES;
        out->start = load.p_vaddr - lead;
        out->limit = out->start + pages * PAGE_BYTES;
        out->file_offset = load.p_offset - lead;
        return out->limit > address;
    }
    return false;
}

/* Opening */

/* A trace may name anything: not to hang on a pipe, only plain files are opened. */
static int open_plain(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        return fd;
    close(fd);
    return -ENOEXEC;
}

/*
 * A file that is cut while it is mapped (a rebuild) turns a load into SIGBUS: so sections are read into memory.
 * Only of files whose debug information would fill it they stay in the page cache.
 */
static bool is_to_be_copied(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_size <= COPIED_BYTES_MAX;
}

int elf_file_open(const char *path, struct elf_file *out)
{
    if (elf_version(EV_CURRENT) == EV_NONE)
        return -ENOEXEC;
    struct elf_file file = {.fd = open_plain(path)};
    if (file.fd < 0)
        return file.fd;
    file.is_copied = is_to_be_copied(file.fd);
    file.elf = elf_begin(file.fd, file.is_copied ? ELF_C_READ : ELF_C_READ_MMAP, NULL);
    GElf_Phdr load;
    size_t first = 0;
    if (!file.elf || elf_kind(file.elf) != ELF_K_ELF || !next_load(&file, &first, &load)) {
        elf_file_close(&file);
        return -ENOEXEC;
    }
    file.first_address = load.p_vaddr;
    read_build_id(&file);
    *out = file;
    return 0;
}

void elf_file_close(struct elf_file *file)
{
    elf_end(file->elf);
    close(file->fd);
}

/* Sections */

static Elf_Scn *find_section(const struct elf_file *file, const char *name, GElf_Shdr *header)
{
    size_t names;
    if (elf_getshdrstrndx(file->elf, &names))
        return NULL;
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(file->elf, section))) {
        if (!gelf_getshdr(section, header))
            continue;
        const char *found = elf_strptr(file->elf, names, header->sh_name);
        if (found && strcmp(found, name) == 0)
            return section;
    }
    return NULL;
}

bool elf_file_has_section(const struct elf_file *file, const char *name)
{
    GElf_Shdr header;
    return find_section(file, name, &header) && header.sh_type != SHT_NOBITS && header.sh_size > 0;
}

void elf_file_hide_unread(const struct elf_file *file)
{
    static const char *const unread[] = {".debug_loclists", ".debug_loc", ".debug_macro", ".debug_macinfo"};
    for (size_t i = 0; file->is_copied && i < sizeof unread / sizeof *unread; i++) {
        GElf_Shdr header;
        Elf_Scn *section = find_section(file, unread[i], &header);
        header.sh_type = SHT_NOBITS;
        if (section)
            gelf_update_shdr(section, &header);
    }
}

bool elf_file_debug_link(const struct elf_file *file, const char **name, uint32_t *crc)
{
    GElf_Shdr header;
    Elf_Scn *section = find_section(file, ".gnu_debuglink", &header);
    Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
    if (!data || !data->d_buf)
        return false;
    size_t length = strnlen(data->d_buf, data->d_size);
    size_t crc_at = (length + 1 + 3) / 4 * 4; /* behind the NUL, aligned */
    if (length == 0 || data->d_size < sizeof *crc || crc_at > data->d_size - sizeof *crc)
        return false;
    *name = data->d_buf;
    memcpy(crc, (const char *)data->d_buf + crc_at, sizeof *crc);
    return strchr(*name, '/') == NULL;
}

static uint32_t crc_update(uint32_t crc, const uint8_t *bytes, size_t count)
{
    static const uint32_t nibbles[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                         0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                         0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return crc;
}

bool elf_file_has_crc(const struct elf_file *file, uint32_t crc)
{
    uint8_t bytes[65536];
    uint32_t sum = UINT32_MAX;
    off_t at = 0;
    ssize_t got;
    while ((got = pread(file->fd, bytes, sizeof bytes, at)) > 0) {
        sum = crc_update(sum, bytes, (size_t)got);
        at += got;
    }
    return got == 0 && ~sum == crc;
}

/* Symbols */

/* Of several names for one address: with a size, then global before weak before local, then the one for people. */
enum { RANK_WEAK = 256, RANK_GLOBAL = 512, RANK_SIZED = 1024 };

static uint32_t rank_of(const GElf_Sym *symbol, const char *name)
{
    uint32_t binding = GELF_ST_BIND(symbol->st_info);
    uint32_t rank = symbol->st_size ? RANK_SIZED : 0;
    rank += binding == STB_GLOBAL ? RANK_GLOBAL : binding == STB_WEAK ? RANK_WEAK : 0;
    size_t underscores = strspn(name, "_");
    return rank + 255 - (uint32_t)(underscores < 255 ? underscores : 255);
}

/* Hand-written assembly may give no size: such a function reaches to the end of its section at most. */
static uint64_t end_of(const struct elf_file *file, const GElf_Sym *symbol)
{
    if (symbol->st_size > 0)
        return symbol->st_size <= UINT64_MAX - symbol->st_value ? symbol->st_value + symbol->st_size : 0;
    GElf_Shdr header;
    Elf_Scn *section = elf_getscn(file->elf, symbol->st_shndx);
    if (!section || !gelf_getshdr(section, &header) || header.sh_size > UINT64_MAX - header.sh_addr)
        return 0;
    return header.sh_addr + header.sh_size;
}

/* And at most to the next function. */
static void end_sizeless(struct ranges *functions)
{
    ranges_sort(functions);
    uint64_t next = UINT64_MAX, low = UINT64_MAX;
    for (size_t i = functions->count; i-- > 0;) {
        struct range *function = &functions->items[i];
        if (function->low != low)
            next = low;
        low = function->low;
        if (function->rank < RANK_SIZED && function->high > next)
            function->high = next;
    }
    ranges_sort(functions);
}

/* Thread-local variables have no address of their own. */
static bool is_wanted(const GElf_Sym *symbol, enum elf_symbols which)
{
    uint32_t type = GELF_ST_TYPE(symbol->st_info);
    if (symbol->st_shndx == SHN_UNDEF)
        return false;
    return which == ELF_OBJECTS ? type == STT_OBJECT : type == STT_FUNC || type == STT_GNU_IFUNC;
}

static int add_symbol(const struct elf_file *file, const GElf_Sym *symbol, size_t names, struct ranges *out)
{
    const char *name = elf_strptr(file->elf, names, symbol->st_name);
    if (!name || !name[0])
        return 0;
    return ranges_add(out, symbol->st_value, end_of(file, symbol), rank_of(symbol, name), (uintptr_t)name);
}

static int add_symbols(const struct elf_file *file, Elf_Data *data, const GElf_Shdr *header, enum elf_symbols which,
                       struct ranges *out)
{
    size_t count = header->sh_entsize ? data->d_size / header->sh_entsize : 0;
    for (size_t i = 0; i < count && i < INT32_MAX; i++) {
        GElf_Sym symbol;
        if (!gelf_getsym(data, (int)i, &symbol))
            break;
        int error = is_wanted(&symbol, which) ? add_symbol(file, &symbol, header->sh_link, out) : 0;
        if (error)
            return error;
    }
    return 0;
}

int elf_file_symbols(const struct elf_file *file, uint32_t section_type, enum elf_symbols which, struct ranges *out)
{
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(file->elf, section))) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header) || header.sh_type != section_type)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        int error = data && data->d_buf ? add_symbols(file, data, &header, which, out) : 0;
        if (error)
            return error;
    }
    end_sizeless(out);
    return out->count ? 0 : -ENOENT;
}
