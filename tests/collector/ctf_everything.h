/* A trace with every kind of field, for any layout. */
#ifndef TESTS_CTF_EVERYTHING_H
#define TESTS_CTF_EVERYTHING_H

#include "collector/ctf_writer.h"

enum { CTF_EVERYTHING_EVENTS = 9 };

/* The time of event `index`: steps that need extended headers among such that do not. */
uint64_t ctf_everything_time(uint64_t index);

/* The metadata's text, the caller's to free. */
char *ctf_everything_text(const struct ctf_layout *variation);

/*
 * Writes metadata and the stream ch_5, instance 5: three packets of t:all, t:all, t:nothing. Of `variation`
 * context and events are not used.
 */
void ctf_write_everything(const char *folder, const struct ctf_layout *variation);

#endif
