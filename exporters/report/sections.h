/* The sections of the report that have a file of their own. Internal to the report. */
#ifndef EXPORTERS_REPORT_SECTIONS_H
#define EXPORTERS_REPORT_SECTIONS_H

#include "exporters/report/text.h"

void report_findings(struct report *report);
void report_locks(struct report *report);
void report_deadlocks(struct report *report);  /* nothing if there is none */
void report_standstill(struct report *report); /* the same */
size_t report_count_deadlocks(const struct report *report);

#endif
