/*
 * The metadata of what `mapscope record` records, for traces that have lost theirs: LTTng writes a process'
 * metadata when its recording ends, so that a session daemon that is killed leaves none. Made when mapscope is
 * built, by src/tracepoints/schema/print_metadata.c.
 */
#ifndef COLLECTOR_KNOWN_METADATA_H
#define COLLECTOR_KNOWN_METADATA_H

/* For ctf_options.known: one TSDL text a channel, NULL behind the last. */
extern const char *const known_metadata[];

/* Of mapscope, whose recordings they describe. */
extern const char known_metadata_version[];

#endif
