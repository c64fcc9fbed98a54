/* See timeline_parts.h: texts of events as texts of ours. */
#include <stdio.h>
#include <stdlib.h>

#include "collector/analyses/timeline_parts.h"
#include "support/utf8.h"

char *timeline_text(struct event_text text)
{
    return utf8_sanitize(text.length ? text.data : "", text.length);
}

char *timeline_title(const char *prefix, struct event_text name, uint64_t address)
{
    char *title = NULL, *clean = NULL;
    int length;
    if (name.length) {
        clean = timeline_text(name);
        length = clean ? asprintf(&title, "%s %s", prefix, clean) : -1;
    } else {
        length = asprintf(&title, "%s 0x%llx", prefix, (unsigned long long)address);
    }
    free(clean);
    return length < 0 ? NULL : title;
}
