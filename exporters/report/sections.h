/* The sections of the report that have a file of their own. Internal to the report. */
#ifndef EXPORTERS_REPORT_SECTIONS_H
#define EXPORTERS_REPORT_SECTIONS_H

#include "exporters/report/text.h"

void report_heading(struct report *report, const char *title);
void report_findings(struct report *report);
void report_locks(struct report *report);

#endif
