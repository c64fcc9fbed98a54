/* A profile as a pprof file: gzip'd profile.proto, as `go tool pprof`, Pyroscope, Parca and Alloy read it. */
#ifndef EXPORTERS_PPROF_PPROF_H
#define EXPORTERS_PPROF_PPROF_H

#include "model/profile.h"
#include "support/diag.h"
#include "support/outbuf.h"

/*
 * Validates `profile`, then writes it to `out` (not flushed). 0; -EINVAL with the violated rule in `diag`,
 * -ENOMEM, or the error of `out`. Equal profiles give equal bytes. Memory: about that of the profile again.
 */
int pprof_write(const struct profile *profile, struct outbuf *out, struct diag *diag);

#endif
