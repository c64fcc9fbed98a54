/*
 * What would keep a recording from working, on this machine, of that program or process: mapscope doctor
 * without its printing.
 *
 *     struct checkup checkup;
 *     checkup_init(&checkup);
 *     int error = doctor_examine("./server", BUFFERS_RING_DEFAULT, NULL, NULL, &checkup);
 *     for (size_t i = 0; !error && i < checkup.count; i++)
 *         puts(checkup.lines[i].found);
 *     checkup_fini(&checkup);
 *
 * Start reading at the table in doctor.c; each check is one function (checks.h). For single-threaded
 * callers: calls that may hang run in a child process. Takes up to some seconds if a daemon hangs.
 */
#ifndef COLLECTOR_DOCTOR_DOCTOR_H
#define COLLECTOR_DOCTOR_DOCTOR_H

#include <stdint.h>

#include "collector/doctor/checkup.h"

/*
 * `target`: a process if all digits, else a program (a path, or a name in PATH); NULL = the machine alone.
 * `ring_bytes`: buffer a CPU and process, as for mapscope record. `tell` is called after each check, so that
 * its lines can be shown while the next one takes its time; NULL = not. 0 whatever was found, or -ENOMEM.
 */
int doctor_examine(const char *target, uint64_t ring_bytes, void (*tell)(void *self, const struct checkup *checkup),
                   void *self, struct checkup *checkup);

#endif
