/* See key_text.h. */
#include "collector/analyses/key_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

char *key_text(struct event_text key)
{
    char *text = malloc((size_t)key.length * sizeof "xNN" + 1);
    if (!text)
        return NULL;
    char *end = text;
    for (uint32_t i = 0; i < key.length; i++) {
        unsigned char byte = (unsigned char)key.data[i];
        if (isprint(byte) && byte != '\\')
            *end++ = (char)byte;
        else
            end += sprintf(end, "\\x%02x", byte);
    }
    *end = '\0';
    return text;
}
