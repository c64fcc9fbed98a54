/* What every public header needs: visibility, and C linkage for C++. */
#ifndef MAPSCOPE_API_H
#define MAPSCOPE_API_H

/* The only symbols that libmapscope shows to the program. */
#define MSC_API __attribute__((visibility("default")))

#ifdef __cplusplus
#define MSC_BEGIN_DECLS extern "C" {
#define MSC_END_DECLS }
#else
#define MSC_BEGIN_DECLS
#define MSC_END_DECLS
#endif

#endif
