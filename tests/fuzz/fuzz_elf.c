/*
 * Any bytes as a file that a trace names as a module, or that mapscope doctor looks at. Not its DWARF, which is libdw's
 * to read: of elfutils 0.188 that takes names in .debug_line to end somewhere, and reads on behind the section.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/doctor/elf_frames.h"
#include "collector/doctor/elf_image.h"
#include "collector/symbolize/symbolize_elf.h"
#include "fuzz/stream_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { STEP = 0x93, ADDRESSES = 0x4000 };

static void look_at(const char *path)
{
    struct elf_image image;
    struct elf_frames frames;
    struct elf_bytes id = {0};
    char machine[ELF_MACHINE_SIZE], *interpreter = NULL;
    size_t at = 0;
    if (elf_image_open(path, &image))
        return;
    elf_image_machine(&image, machine);
    while (elf_image_dynamic(&image, DT_NEEDED, &at))
        ;
    elf_image_has_dynamic_symbol(&image, "tracepoint");
    (void)elf_image_interpreter(&image, &interpreter);
    (void)elf_image_build_id(&image, &id);
    (void)elf_frames_count(&image, &frames);
    free(interpreter);
    free(id.data);
    elf_image_close(&image);
}

/* Names are borrowed from the file: each has an end in it. */
static size_t read_symbols(const struct elf_file *file, uint32_t table, enum elf_symbols which)
{
    struct ranges ranges = {0};
    size_t sum = 0;
    if (elf_file_symbols(file, table, which, &ranges) == 0)
        for (uint64_t address = 0; address < ADDRESSES; address += STEP) {
            const struct range *found = ranges_find(&ranges, address);
            sum += found ? strlen((const char *)(uintptr_t)found->value) : 0;
        }
    ranges_fini(&ranges);
    return sum;
}

static void find_symbols(const char *path)
{
    static const uint32_t tables[] = {SHT_SYMTAB, SHT_DYNSYM};
    static volatile size_t sink;
    struct elf_file file;
    struct elf_segment segment;
    const char *name;
    uint32_t crc;
    if (elf_file_open(path, &file))
        return;
    for (uint64_t address = 0; address < ADDRESSES; address += STEP)
        if (elf_file_segment(&file, address, &segment) && (address < segment.start || address >= segment.limit))
            abort();
    if (elf_file_debug_link(&file, &name, &crc))
        sink = strlen(name) + elf_file_has_crc(&file, crc);
    for (int i = 0; i < 2; i++)
        sink = read_symbols(&file, tables[i], ELF_FUNCTIONS) + read_symbols(&file, tables[i], ELF_OBJECTS);
    elf_file_has_section(&file, ".debug_info");
    elf_file_close(&file);
    (void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[STREAM_PATH_SIZE];
    int fd = stream_file_open(bytes, size, path);
    look_at(path);
    find_symbols(path);
    close(fd);
    return 0;
}
