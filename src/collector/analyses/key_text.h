/* A recorded key as text that can be read: bytes that do not print as \xNN. */
#ifndef COLLECTOR_KEY_TEXT_H
#define COLLECTOR_KEY_TEXT_H

#include "model/event.h"

/* To be freed; NULL when memory is out. Only for a key that was recorded: its length is not 0. */
char *key_text(struct event_text key);

#endif
