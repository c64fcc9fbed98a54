/*
 * What libmapscope.so shows to libmapscope-preload.so alone, at the version MAPSCOPE_PRIVATE: it may change
 * with every release. Both libraries are installed together.
 */
#ifndef MSC_RUNTIME_PRIVATE_H
#define MSC_RUNTIME_PRIVATE_H

#define MSC_PRIVATE __attribute__((visibility("default")))
#define MSC_PRIVATE_DATA __attribute__((visibility("default")))

/*
 * A second name, for data that is hidden under its first so that our own code finds it without a detour. The
 * assembler's affair: AddressSanitizer would take it for data of its own, and put a red zone behind it.
 */
#define MSC_PRIVATE_NAME(second, first) __asm__(".globl " #second "\n.set " #second ", " #first)

/*
 * Not 0 while the calling thread is inside the runtime or its tracer: whoever interposes lock functions passes
 * the call through. A signal handler may look, hence volatile.
 */
extern __thread volatile int msc_guard __attribute__((tls_model("initial-exec"))) MSC_PRIVATE_DATA;

#endif
