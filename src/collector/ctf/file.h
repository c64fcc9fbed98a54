/*
 * The packets of one file, one after the other, and the way back to them behind damage.
 *
 * Where a packet should be and none is, the next is sought: first where the damaged one says it ends, then
 * at each multiple of 4096 bytes, which is where LTTng puts packets.
 */
#ifndef COLLECTOR_CTF_FILE_H
#define COLLECTOR_CTF_FILE_H

#include "collector/ctf/packet.h"
#include "collector/ctf/report.h"
#include "collector/ctf/window.h"

enum ctf_file_damage { FILE_DAMAGED = 1, FILE_CUT = 2, FILE_UNKNOWN_EVENT = 4, FILE_UNREADABLE = 8, FILE_EVENT = 16 };

struct ctf_file {
    const char *path; /* borrowed */
    const struct ctf_trace *trace;
    uint64_t size;            /* bytes, when it was found */
    uint64_t next;            /* offset of what has not been looked at */
    struct ctf_packet packet; /* the one found last */
    bool is_cut;              /* that packet has no end: content_bits says how much is left of it */
    unsigned damaged;         /* packets skipped since the reader took note */
    unsigned warned;          /* enum ctf_file_damage, once each */
};

/* 1 = file->packet is the next packet; 0 = there is none; -ENOMEM, or -errno of reading. */
int ctf_file_next(struct ctf_file *file, struct ctf_window *window, const struct ctf_report *report);

/* Warns the first time that a kind of damage is met in this file. */
void ctf_file_warn(struct ctf_file *file, const struct ctf_report *report, enum ctf_file_damage kind, uint64_t offset,
                   const char *what);

#endif
