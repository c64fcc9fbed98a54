/* What every public header needs: visibility, whether to trace, and C linkage for C++. */
#ifndef MAPSCOPE_API_H
#define MAPSCOPE_API_H

/* The only symbols that libmapscope shows to the program. */
#define MSC_API __attribute__((visibility("default")))

/* 0 = what is compiled with it asks no tracer. */
#ifndef MSC_TRACE
#define MSC_TRACE 1
#endif

#ifdef __cplusplus
#define MSC_BEGIN_DECLS extern "C" {
#define MSC_END_DECLS }
#else
#define MSC_BEGIN_DECLS
#define MSC_END_DECLS
#endif

#endif
