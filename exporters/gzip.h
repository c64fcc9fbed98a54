/*
 * Compresses what goes to an outbuf: a second outbuf in front of it, and a thread of its own between the
 * two, because deflating costs several times what formatting does. The sole user of zlib.
 *
 *     struct outfile file;
 *     struct gzip *gzip;
 *     int error = outfile_open(&file, path, diag);
 *     error = gzip_create(&file.out, GZIP_FAST, &gzip);
 *     write_everything(gzip_front(gzip));
 *     error = gzip_finish(gzip);               // the whole stream is in file.out, or an error
 *     gzip_destroy(gzip);
 *     return error ? (outfile_abort(&file), error) : outfile_commit(&file, diag);
 *
 * Equal input gives equal output: the header holds no time and no name. From gzip_create to gzip_finish
 * `back` belongs to the thread. Memory: about 800 KB. All calls from one thread.
 */
#ifndef EXPORTERS_GZIP_H
#define EXPORTERS_GZIP_H

#include "support/outbuf.h"

/* Of deflate: FAST for a large timeline, SMALL for a profile that is kept and sent around. */
enum gzip_level { GZIP_FAST = 1, GZIP_SMALL = 6 };

struct gzip; /* opaque */

/* `back` is borrowed until gzip_destroy. 0, -ENOMEM, or -EAGAIN when there is no thread to be had. */
int gzip_create(struct outbuf *back, enum gzip_level level, struct gzip **out);

/* Where to write. Borrowed. Its error is sticky, as any outbuf's: a failure of `back` shows up there. */
struct outbuf *gzip_front(struct gzip *gzip);

/* Compresses what is left and ends the stream; once. 0, or the first error of either side. `back` is not flushed. */
int gzip_finish(struct gzip *gzip);

/* Legal without gzip_finish: `back` then holds a stream cut off somewhere. */
void gzip_destroy(struct gzip *gzip);

#endif
