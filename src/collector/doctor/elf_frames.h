/*
 * Whether the functions of a file keep a frame pointer, judged by its unwind tables (.eh_frame), which a
 * stripped file has too: they say for each function how its frame is found, and one that keeps a frame
 * pointer is found by that register.
 *
 *     push %rbp; mov %rsp,%rbp     DW_CFA_def_cfa_register rbp      counts as kept
 *     sub $24,%rsp                 DW_CFA_def_cfa_offset 32         does not
 *     (neither)                    no instructions                  does not count: it has no frame
 */
#ifndef COLLECTOR_DOCTOR_ELF_FRAMES_H
#define COLLECTOR_DOCTOR_ELF_FRAMES_H

#include "collector/doctor/elf_image.h"

struct elf_frames {
    uint64_t functions; /* that have a frame */
    uint64_t kept;      /* of them by frame pointer */
};

/* 0; -ENOENT = the file has no unwind tables; or another negative errno. Damage ends the count. Cost: one pass. */
int elf_frames_count(const struct elf_image *image, struct elf_frames *frames);

#endif
