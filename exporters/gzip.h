/*
 * Compresses what goes to an outbuf: a second outbuf in front of it, and threads between the two, because deflating
 * costs several times what formatting does.
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
 * The stream is one gzip member. Equal input gives equal output, however many threads there are and however it was
 * written: the header holds no time and no name. The writer deflates, too, whenever it is ahead; so a thread for each
 * other processor is enough, none will do, and what fits into one block (60 KiB) starts none. `back` is written to
 * by the writer only. Memory: 650 KB, then 270 KB a thread and 130 KB a block, eight of those a thread; at most 11 MB.
 * One call at a time.
 */
#ifndef EXPORTERS_GZIP_H
#define EXPORTERS_GZIP_H

#include "support/outbuf.h"

/* Of deflate: FAST for a large timeline, SMALL for a profile that is kept and sent around. */
enum gzip_level { GZIP_FAST = 1, GZIP_SMALL = 6 };

struct gzip; /* opaque */

/* `back` is borrowed until gzip_destroy. 0 or -ENOMEM. */
int gzip_create(struct outbuf *back, enum gzip_level level, struct gzip **out);

/* Where to write. Borrowed. Its error is sticky, as any outbuf's: a failure of `back` shows up there. */
struct outbuf *gzip_front(struct gzip *gzip);

/* Compresses what is left and ends the stream; once. 0, or the first error of either side. `back` is not flushed. */
int gzip_finish(struct gzip *gzip);

/* Legal without gzip_finish: `back` then holds a stream cut off somewhere. */
void gzip_destroy(struct gzip *gzip);

#endif
