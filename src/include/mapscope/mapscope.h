/*
 * All of mapscope: maps, locks, deferred cleanup and annotations that can be watched in production.
 *
 *     #include <mapscope/mapscope.h>                           // cc ... -lmapscope
 *
 *     static void drop(void *map)
 *     {
 *         msc_map_delete_u64((struct msc_map *)map, 42);
 *     }
 *
 *     int main(void)
 *     {
 *         struct msc_map_options options = {.struct_size = sizeof options, .name = "answers",
 *                                           .value_size = sizeof(int)};
 *         struct msc_map *answers;
 *         if (msc_map_create(&options, &answers))
 *             return 1;
 *         int value = 1;
 *         int error = msc_map_assign_u64(answers, 42, &value);
 *         {
 *             MSC_SCOPE(work);
 *             if (!error)
 *                 error = msc_defer_map_u64(&work, drop, answers, answers, 42);
 *         }                                                    // drop(answers) runs here
 *         msc_map_destroy(answers);
 *         return error ? 1 : 0;
 *     }
 *
 * No call is itself a cancellation point. While somebody traces, a call needs up to 4 KiB of stack.
 */
#ifndef MAPSCOPE_MAPSCOPE_H
#define MAPSCOPE_MAPSCOPE_H

#define MSC_VERSION_MAJOR 0
#define MSC_VERSION_MINOR 1
#define MSC_VERSION_PATCH 0

#include <mapscope/api.h>
#include <mapscope/cond.h>
#include <mapscope/cowmap.h>
#include <mapscope/fault.h>
#include <mapscope/guard.h>
#include <mapscope/map.h>
#include <mapscope/mapwriter.h>
#include <mapscope/mutex.h>
#include <mapscope/probe.h>
#include <mapscope/region.h>
#include <mapscope/rwlock.h>
#include <mapscope/rwmap.h>
#include <mapscope/scope.h>
#include <mapscope/shardmap.h>
#include <mapscope/syncmap.h>
#include <mapscope/verbs.h>

#endif
