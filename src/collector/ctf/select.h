/* Leaves out of a program what its consumer does not look at. */
#ifndef COLLECTOR_CTF_SELECT_H
#define COLLECTOR_CTF_SELECT_H

#include "collector/ctf/program.h"

/*
 * Afterwards the program steps over the fields that `wants` says no to, and has them no longer; NULL = it says
 * no to all. Lengths are still read. Programs with loops or variants, which LTTng's events do not have, stay as they
 * are. Returns 0 or -ENOMEM.
 */
int ctf_select(struct ctf_program *program, const char *class_name, ctf_wants_fn *wants, void *self);

#endif
