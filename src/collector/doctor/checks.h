/*
 * The checks: each looks at one thing and adds a line or more. They change nothing on the machine that
 * outlasts them. Doctor's table (doctor.c) says which is for what.
 */
#ifndef COLLECTOR_DOCTOR_CHECKS_H
#define COLLECTOR_DOCTOR_CHECKS_H

#include "collector/doctor/checkup.h"
#include "collector/doctor/patient.h"

typedef void check_fn(const struct patient *patient, struct checkup *checkup);

/* check_lttng.c */
check_fn check_tools;     /* session daemon and consumer: there, and new enough */
check_fn check_libraries; /* what is preloaded, and what that needs */
check_fn check_daemon;    /* which daemons run, and which one a recording would have */

/* check_machine.c */
check_fn check_memory;      /* /dev/shm */
check_fn check_limits;      /* descriptors, file size */
check_fn check_environment; /* variables that disturb LTTng or us */

/* check_program.c */
check_fn check_executable; /* can it be run and preloaded at all? */
check_fn check_privileges; /* setuid and the like: the loader ignores LD_PRELOAD */
check_fn check_sanitizer;
check_fn check_linking; /* does it use libmapscope? */
check_fn check_build_id;
check_fn check_symbols;
check_fn check_frame_pointers;

/* check_process.c */
check_fn check_process;      /* whose it is, what it runs */
check_fn check_loaded;       /* tracepoints, tracer */
check_fn check_registration; /* with which session daemon */
check_fn check_surroundings; /* the same folders as ours? */

#endif
