/*
 * See elf_frames.h. The section is a list of entries, each a length and its content: a CIE (what several
 * functions have in common) or an FDE (one function), which names its CIE by distance:
 *
 *     CIE: length, 0, version 1, augmentation "zR...\0", code align, data align, return register, ...
 *     FDE: length, distance to the CIE, begin and length of the function, augmentation bytes, instructions
 *
 * Source: the LSB's "Exception Frames" and DWARF 4, section 6.4.
 */
#include "collector/doctor/elf_frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if defined __x86_64__
enum { FRAME_REGISTER = 6 }; /* rbp */
#elif defined __aarch64__
enum { FRAME_REGISTER = 29 };
#endif

/* What is left to read; damage leaves nothing. */
struct cursor {
    const uint8_t *at, *end;
};

static uint64_t take(struct cursor *cursor, size_t size)
{
    uint64_t value = 0;
    if ((size_t)(cursor->end - cursor->at) < size) {
        cursor->at = cursor->end;
        return 0;
    }
    memcpy(&value, cursor->at, size); /* little endian: the files that are looked into are our own kind */
    cursor->at += size;
    return value;
}

static void skip(struct cursor *cursor, uint64_t size)
{
    uint64_t left = (uint64_t)(cursor->end - cursor->at);
    cursor->at = size < left ? cursor->at + size : cursor->end;
}

static uint64_t take_leb(struct cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0; cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

/* ---- instructions ---- */

enum { OFFSET = 2 }; /* the upper two bits; 1 and 3 have no operand but the lower six */
enum { DEF_CFA = 0x0c, DEF_CFA_REGISTER = 0x0d, DEF_CFA_OFFSET = 0x0e, DEF_CFA_EXPRESSION = 0x0f };

/* Operands of an instruction whose upper two bits are 0: l = LEB128, b = block, a = address, 1 2 4 8 = bytes. */
static const char *const operands[64] = {
    [0x01] = "a",  [0x02] = "1",  [0x03] = "2",  [0x04] = "4",  [0x05] = "ll", [0x06] = "l",
    [0x07] = "l",  [0x08] = "l",  [0x09] = "ll", [0x0c] = "ll", [0x0d] = "l",  [0x0e] = "l",
    [0x0f] = "b",  [0x10] = "lb", [0x11] = "ll", [0x12] = "ll", [0x13] = "l",  [0x14] = "ll",
    [0x15] = "ll", [0x16] = "lb", [0x1d] = "8",  [0x2e] = "l",  [0x2f] = "ll",
};

enum { POINTER_SIZE_MASK = 0x07, POINTER_OMIT = 0xff };

/* Bytes of an address in that encoding (DW_EH_PE_*), 0 = of no fixed size. */
static size_t pointer_size(uint8_t encoding)
{
    static const uint8_t sizes[] = {8, 0, 2, 4, 8};
    uint8_t format = encoding & POINTER_SIZE_MASK;
    return encoding != POINTER_OMIT && format < sizeof sizes ? sizes[format] : 0;
}

static void skip_operands(struct cursor *cursor, const char *kinds, uint8_t encoding)
{
    for (; *kinds; kinds++) {
        if (*kinds == 'l')
            take_leb(cursor);
        else if (*kinds == 'b')
            skip(cursor, take_leb(cursor));
        else
            skip(cursor, *kinds == 'a' ? pointer_size(encoding) : (size_t)(*kinds - '0'));
    }
}

struct frame {
    bool exists;
    bool is_kept;  /* found by the frame pointer */
    bool is_other; /* found by an expression: the linker's jump table, or a realigned stack */
};

static struct frame follow(struct cursor cursor, uint8_t encoding)
{
    struct frame frame = {0};
    while (cursor.at < cursor.end) {
        uint8_t opcode = *cursor.at++, upper = opcode >> 6;
        if (upper == OFFSET)
            take_leb(&cursor);
        if (upper != 0)
            continue;
        struct cursor operand = cursor;
        if (opcode == DEF_CFA || opcode == DEF_CFA_REGISTER)
            frame.is_kept |= take_leb(&operand) == FRAME_REGISTER;
        frame.exists |= opcode >= DEF_CFA && opcode <= DEF_CFA_OFFSET;
        frame.is_other |= opcode == DEF_CFA_EXPRESSION;
        if (operands[opcode])
            skip_operands(&cursor, operands[opcode], encoding);
    }
    return frame;
}

/* ---- entries ---- */

struct cie {
    uint8_t encoding;      /* of a function's address */
    bool has_augmentation; /* bytes with their length in each FDE */
};

/* Reads what the letters of the augmentation announce, as far as `R`. */
static bool read_augmentation(struct cursor *cursor, const char *letters, struct cie *cie)
{
    take_leb(cursor); /* its length */
    for (letters++; *letters; letters++) {
        if (*letters == 'R')
            cie->encoding = (uint8_t)take(cursor, 1);
        else if (*letters == 'L')
            skip(cursor, 1);
        else if (*letters == 'P')
            skip(cursor, pointer_size((uint8_t)take(cursor, 1)));
        else if (*letters != 'S' && *letters != 'B')
            return false;
    }
    return true;
}

/* `cursor`: the content of the entry behind its length. */
static bool read_cie(struct cursor cursor, struct cie *cie)
{
    *cie = (struct cie){0};
    if (take(&cursor, 4) != 0)
        return false;
    uint64_t version = take(&cursor, 1);
    const char *letters = (const char *)cursor.at;
    size_t room = (size_t)(cursor.end - cursor.at), length = strnlen(letters, room);
    if ((version != 1 && version != 3) || length == room)
        return false;
    skip(&cursor, length + 1);
    take_leb(&cursor);
    take_leb(&cursor);
    if (version == 1)
        skip(&cursor, 1);
    else
        take_leb(&cursor);
    cie->has_augmentation = letters[0] == 'z';
    return letters[0] == '\0' || (cie->has_augmentation && read_augmentation(&cursor, letters, cie));
}

/* Takes the next entry of the list. False: there is none. */
static bool next_entry(struct cursor *list, struct cursor *entry)
{
    uint64_t length = take(list, 4);
    if (length == UINT32_MAX)
        length = take(list, 8);
    if (length == 0 || length > (uint64_t)(list->end - list->at))
        return false;
    *entry = (struct cursor){list->at, list->at + length};
    list->at += length;
    return true;
}

/* The CIE that an FDE at `entry` names, `distance` bytes before. */
static bool find_cie(const struct elf_bytes *section, const uint8_t *entry, uint64_t distance, struct cie *cie)
{
    if (distance > (uint64_t)(entry - section->data))
        return false;
    struct cursor list = {entry - distance, section->data + section->size}, content;
    return next_entry(&list, &content) && read_cie(content, cie);
}

static void count_function(struct cursor cursor, const struct cie *cie, struct elf_frames *frames)
{
    size_t size = pointer_size(cie->encoding);
    if (size == 0)
        return;
    skip(&cursor, 2 * size);
    if (cie->has_augmentation)
        skip(&cursor, take_leb(&cursor));
    struct frame frame = follow(cursor, cie->encoding);
    if (!frame.exists || frame.is_other)
        return;
    frames->functions++;
    frames->kept += frame.is_kept;
}

static void count_functions(const struct elf_bytes *section, struct elf_frames *frames)
{
    struct cursor list = {section->data, section->data + section->size}, entry;
    while (next_entry(&list, &entry)) {
        struct cie cie;
        const uint8_t *begin = entry.at;
        uint64_t distance = take(&entry, 4);
        if (distance && find_cie(section, begin, distance, &cie))
            count_function(entry, &cie, frames);
    }
}

int elf_frames_count(const struct elf_image *image, struct elf_frames *frames)
{
    struct elf_bytes bytes;
    *frames = (struct elf_frames){0};
    const Elf64_Shdr *section = elf_image_section(image, ".eh_frame");
    int error = section ? elf_image_read(image, section->sh_offset, section->sh_size, &bytes) : -ENOENT;
    if (error)
        return error;
    count_functions(&bytes, frames);
    free(bytes.data);
    return 0;
}
