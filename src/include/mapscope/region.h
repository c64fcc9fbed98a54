/*
 * Annotations: what the program was about, among the events of its maps and locks.
 *
 *     uint64_t checkout = msc_region_begin("http", "POST /checkout");
 *     msc_log("cache", "cold, loading from disk");
 *     ...
 *     msc_region_end(checkout);
 *
 *     msc_variant("session cache", "sharded");              // once, at start: which side of a comparison this is
 *
 * Nothing is done while nobody traces. Strings are NUL-terminated UTF-8 (NULL = ""), cut at MSC_TEXT_MAX
 * bytes and never within a character; the trace says so. Any thread; not for signal handlers.
 */
#ifndef MAPSCOPE_REGION_H
#define MAPSCOPE_REGION_H

#include <stdint.h>

#include <mapscope/api.h>

MSC_BEGIN_DECLS

/* Bytes of a category or message that reach the trace. */
#define MSC_TEXT_MAX 256

/* Returns an id for msc_region_end; 0 while nobody traces. Regions of a thread nest. */
MSC_API uint64_t msc_region_begin(const char *category, const char *message);

/* Ends the region, on the thread that began it. 0 is allowed: nothing happens. */
MSC_API void msc_region_end(uint64_t id);

/* A moment worth showing. */
MSC_API void msc_log(const char *category, const char *message);

/* Names the variant that this process runs of what `category` says, so that recordings can be compared. */
MSC_API void msc_variant(const char *category, const char *name);

MSC_END_DECLS

#endif
