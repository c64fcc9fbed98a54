/*
 * msc_mapwriter: a map whose writes have a deadline. A write is done, or it was given up and the map is untouched.
 *
 *     struct msc_write_limit limit = {.timeout_ns = 2000000};              // 2 ms
 *     int error = msc_mapwriter_store_u64(sessions, 42, &session, &limit);
 *     if (error == -ETIMEDOUT)
 *         shed_load();                                                     // nothing was written
 *
 *     struct msc_cancel stop = {0};                                        // another thread may end the wait
 *     struct msc_write_limit patient = {.timeout_ns = MSC_NO_TIMEOUT, .cancel = &stop};
 *     error = msc_mapwriter_delete_u64(sessions, 42, &patient);            // -ECANCELED
 *     ...
 *     msc_mapwriter_cancel(sessions, &stop);                               // the other thread
 *
 * When to use it: whoever writes has something better to do than to wait: a request with a deadline, a shutdown. What
 * a write waits for is a range under way, and other threads in the map. The write itself is never interrupted: the
 * answer is always one of the two, and no helper thread does it in the caller's place, so none is left behind.
 *
 * The verbs are those of mapscope/verbs.h, with their results and thread rules; those that write take a limit, NULL =
 * wait as long as it takes, and may return -ETIMEDOUT (a map_writer_timeout event, with the key and the time waited)
 * or -ECANCELED. timeout_ns 0 = do not wait. `limit` and the cancel are borrowed until the call returns. A timed write
 * overshoots by what the scheduler takes to run the thread again.
 *
 * range: writes wait until it is over, and it waits for those that waited before it. It sees one instant of the map.
 * `visit` may load, but not write nor range. A type with destructors or clones, and an allocator, are -EINVAL.
 *
 * Cost: one atomic read-modify-write and the operation of msc_map; a write with a limit reads the clock.
 */
#ifndef MAPSCOPE_MAPWRITER_H
#define MAPSCOPE_MAPWRITER_H

#include <mapscope/verbs.h>

MSC_BEGIN_DECLS

struct msc_mapwriter; /* opaque */

/* All zero at first; for any number of writes at once. Once it has fired, it stays so. */
struct msc_cancel {
    uint32_t msc_fired;
};

#define MSC_NO_TIMEOUT UINT64_MAX

struct msc_write_limit {
    uint64_t timeout_ns;       /* from the call on; MSC_NO_TIMEOUT = none */
    struct msc_cancel *cancel; /* NULL = none */
};

/* As msc_map_create. */
MSC_API int msc_mapwriter_create(const struct msc_map_options *options, struct msc_mapwriter **out);
MSC_API void msc_mapwriter_destroy(struct msc_mapwriter *map); /* NULL is allowed */

/* Writes to this map that wait with it end with -ECANCELED, and those that begin with it. Any thread. */
MSC_API void msc_mapwriter_cancel(struct msc_mapwriter *map, struct msc_cancel *cancel);

MSC_API size_t msc_mapwriter_count(struct msc_mapwriter *map);
MSC_API int msc_mapwriter_range(struct msc_mapwriter *map, msc_visit_fn *visit, void *context);
MSC_API int msc_mapwriter_load(struct msc_mapwriter *map, const void *key, void *out);
MSC_API int msc_mapwriter_load_version(struct msc_mapwriter *map, const void *key, void *out, uint64_t *version);

MSC_API int msc_mapwriter_store(struct msc_mapwriter *map, const void *key, const void *value,
                                const struct msc_write_limit *limit);
MSC_API int msc_mapwriter_swap(struct msc_mapwriter *map, const void *key, const void *value, void *out,
                               const struct msc_write_limit *limit);
MSC_API int msc_mapwriter_load_or_store(struct msc_mapwriter *map, const void *key, const void *value, void *out,
                                        const struct msc_write_limit *limit);
MSC_API int msc_mapwriter_load_and_delete(struct msc_mapwriter *map, const void *key, void *out,
                                          const struct msc_write_limit *limit);
MSC_API int msc_mapwriter_delete(struct msc_mapwriter *map, const void *key, const struct msc_write_limit *limit);
MSC_API int msc_mapwriter_compare_and_swap(struct msc_mapwriter *map, const void *key, const void *expected,
                                           const void *value, const struct msc_write_limit *limit);
MSC_API int msc_mapwriter_compare_and_delete(struct msc_mapwriter *map, const void *key, const void *expected,
                                             const struct msc_write_limit *limit);
MSC_API int msc_mapwriter_store_version(struct msc_mapwriter *map, const void *key, uint64_t version, const void *value,
                                        const struct msc_write_limit *limit);
MSC_API int msc_mapwriter_delete_version(struct msc_mapwriter *map, const void *key, uint64_t version,
                                         const struct msc_write_limit *limit);
MSC_API int msc_mapwriter_clear(struct msc_mapwriter *map, const struct msc_write_limit *limit);

/* The most frequent ones with the key by value. */
MSC_VERB_INLINE int msc_mapwriter_load_u64(struct msc_mapwriter *map, uint64_t key, void *out)
{
    return msc_mapwriter_load(map, &key, out);
}

MSC_VERB_INLINE int msc_mapwriter_store_u64(struct msc_mapwriter *map, uint64_t key, const void *value,
                                            const struct msc_write_limit *limit)
{
    return msc_mapwriter_store(map, &key, value, limit);
}

MSC_VERB_INLINE int msc_mapwriter_delete_u64(struct msc_mapwriter *map, uint64_t key,
                                             const struct msc_write_limit *limit)
{
    return msc_mapwriter_delete(map, &key, limit);
}

MSC_VERB_INLINE int msc_mapwriter_load_bytes(struct msc_mapwriter *map, const void *bytes, size_t length, void *out)
{
    struct msc_bytes key = {bytes, length};
    return msc_mapwriter_load(map, &key, out);
}

MSC_VERB_INLINE int msc_mapwriter_store_bytes(struct msc_mapwriter *map, const void *bytes, size_t length,
                                              const void *value, const struct msc_write_limit *limit)
{
    struct msc_bytes key = {bytes, length};
    return msc_mapwriter_store(map, &key, value, limit);
}

MSC_VERB_INLINE int msc_mapwriter_delete_bytes(struct msc_mapwriter *map, const void *bytes, size_t length,
                                               const struct msc_write_limit *limit)
{
    struct msc_bytes key = {bytes, length};
    return msc_mapwriter_delete(map, &key, limit);
}

MSC_END_DECLS

#endif
