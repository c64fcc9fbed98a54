/* See report.h. */
#include "collector/ctf/report.h"

#include <stdarg.h>
#include <stdio.h>

enum { TEXT_BYTES = 1024 };

void ctf_warn(const struct ctf_report *report, const char *format, ...)
{
    if (!report->warn)
        return;
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report->warn(report->self, text);
}
