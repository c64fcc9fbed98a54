/* A recorded key as text that can be read: bytes that do not print as \xNN. */
#ifndef COLLECTOR_KEY_TEXT_H
#define COLLECTOR_KEY_TEXT_H

#include "model/event.h"

/*
 * To be freed; NULL when memory is out. Only for an assign whose key was recorded: its length is not 0. Of a key
 * that was cut the length is told too: "abc... (300000 bytes)".
 */
char *key_text(const struct event_map_op *op);

#endif
