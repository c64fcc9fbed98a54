/*
 * A timeline as Chrome trace JSON, for Perfetto (ui.perfetto.dev) and Speedscope: a sink that turns each
 * call into one event at once.
 *
 *     struct chrome *chrome;
 *     int error = chrome_create(&file.out, &options, &chrome);
 *     produce(chrome_sink(chrome));
 *     error = chrome_finish(chrome);            // now file.out holds the whole of it
 *     chrome_destroy(chrome);
 *
 * Only what Perfetto's importer takes without loss: phases X, i, C and M; times relative to a base, in
 * microseconds with three decimals; flows as bind_id on slices; valid UTF-8. Cost: bench/convert. Memory: the
 * metadata. Not thread-safe.
 */
#ifndef EXPORTERS_CHROME_CHROME_H
#define EXPORTERS_CHROME_CHROME_H

#include "model/timeline.h"
#include "support/outbuf.h"

struct chrome; /* opaque */

struct chrome_options {
    uint64_t base_ns;        /* trace clock: what becomes time 0; earlier times become 0, too */
    int64_t clock_offset_ns; /* epoch = trace clock + this; 0 = unknown */
};

/* `out` is borrowed until chrome_destroy. 0 or -ENOMEM. */
int chrome_create(struct outbuf *out, const struct chrome_options *options, struct chrome **out_chrome);
void chrome_destroy(struct chrome *chrome);

/* Its calls return the outbuf's sticky error. Borrowed. */
const struct timeline_sink *chrome_sink(const struct chrome *chrome);

/* Writes the metadata and the closing brackets; once. 0 or the outbuf's error; `out` is not flushed. */
int chrome_finish(struct chrome *chrome);

#endif
