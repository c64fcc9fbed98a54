/*
 * A contention profile as brpc and gperftools write it, in text, made into one that pprof reads:
 *
 *     --- contention                       gperftools: "--- mutex:"
 *     cycles/second=1000000000             and: sampling period, ms since reset, discarded samples
 *     120000 3 @ 0x55d1 0x55e0             time (cycles) and count of a stack, leaf first, return addresses
 *     55d0-55e0 r-xp ...                   /proc/self/maps, perhaps behind a line "--- Memory map: ---"
 *
 * `go tool pprof` reads no brpc file at all, and names no function of C or C++. Ours come from the files that the
 * maps name, if they are there, unchanged. The text may be anything. Not thread-safe.
 */
#ifndef COLLECTOR_CONTENTION_TEXT_H
#define COLLECTOR_CONTENTION_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/profile.h"
#include "support/diag.h"

/* By its first line. */
bool contention_text_is(const char *text, size_t size);

/*
 * `end_epoch_ns`: when it was written. 0; -EINVAL (with the line in `diag`), -ENOMEM. The caller owns *out. Lines
 * that are neither samples nor of the header end the samples: what follows is taken for the maps.
 */
int contention_text_read(const char *text, size_t size, int64_t end_epoch_ns, struct profile **out, struct diag *diag);

#endif
