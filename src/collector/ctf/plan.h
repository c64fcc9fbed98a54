/* Makes a program write records of its consumer's (struct ctf_plan) in place of values. */
#ifndef COLLECTOR_CTF_PLAN_H
#define COLLECTOR_CTF_PLAN_H

#include "collector/ctf/program.h"

/*
 * Asks `plan` where the fields of the class go; NULL = nowhere, they are only stepped over. Lengths and, where there
 * are loops or variants, all that has no place are still read, into a hidden part behind the record. Once a program.
 * Returns 0 or -ENOMEM.
 */
int ctf_plan(struct ctf_program *program, const struct ctf_event_class *class, ctf_plan_fn *plan, void *self);

#endif
