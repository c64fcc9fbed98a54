/*
 * What the doctor looks at: this machine alone, or also a program that is to be recorded, or a process.
 * Gathered once, before the checks; what could not be gathered is NULL or 0. Not thread-safe.
 */
#ifndef COLLECTOR_DOCTOR_PATIENT_H
#define COLLECTOR_DOCTOR_PATIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/doctor/elf_image.h"
#include "collector/session/environment.h"
#include "support/diag.h"

enum patient_kind { PATIENT_MACHINE = 1, PATIENT_PROGRAM = 2, PATIENT_PROCESS = 4 };

struct patient {
    enum patient_kind kind;
    const char *name;               /* as it was given; borrowed */
    uint64_t ring_bytes;            /* as for mapscope record --buffer */
    struct environment environment; /* the process's; else ours */

    char *script;    /* the program is this script, and `path` what runs it */
    char *path;      /* of the executable file */
    char *file;      /* where to open it: `path`, or for a process what stands for it in /proc */
    bool is_deleted; /* the process's file was removed or replaced since it started */
    bool has_image;
    struct elf_image image;
    char *missing; /* why there is no image */

    pid_t pid;
    uid_t user;
    char *maps; /* /proc/PID/maps */
};

/*
 * `target` is a process if it is all digits, else a program; NULL = the machine. 0 also if there is no such
 * thing (`missing` says so); else -ENOMEM, with nothing to clean up.
 */
int patient_init(struct patient *patient, const char *target, uint64_t ring_bytes);
void patient_fini(struct patient *patient);

/* Whether the process has the library loaded, or the program (or one of its libraries) asks for it. */
bool patient_uses_library(const struct patient *patient, const char *name);

#endif
