/*
 * The debug information of one file: address -> the functions that are there, inlined ones first, with
 * their lines. Nothing in it is trusted: every walk is bounded. Not thread-safe.
 */
#ifndef COLLECTOR_SYMBOLIZE_DWARF_H
#define COLLECTOR_SYMBOLIZE_DWARF_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

/* The most frames of one address: deeper inlining is cut at the outside of the 64th. */
#define DWARF_FRAMES_MAX 65

/* Borrowed from the dwarf_info. NULL and 0 = not said. */
struct dwarf_frame {
    const char *name, *linkage_name;
    const char *scope;     /* never NULL: "a::b::" before a name without a linkage name (static functions) */
    const char *directory; /* of the compilation: what a relative file is relative to */
    const char *file;
    uint32_t line, start_line;
};

struct dwarf_info; /* opaque */

/* `elf` is borrowed. 0, -ENOENT (no debug information), -ENOMEM. Cost: one look at each compilation unit. */
int dwarf_info_create(Elf *elf, struct dwarf_info **out);
void dwarf_info_destroy(struct dwarf_info *info);

/*
 * The frames at an address of the file, innermost first; returns their number, 0 if no unit covers it.
 * A frame may lack any of its parts. A unit's functions are indexed on its first use.
 */
size_t dwarf_info_frames(struct dwarf_info *info, uint64_t address, struct dwarf_frame frames[DWARF_FRAMES_MAX]);

#endif
