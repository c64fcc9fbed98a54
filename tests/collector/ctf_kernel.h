/*
 * A kernel trace as LTTng's modules 2.13 write it, for machines that cannot load them: one stream a CPU, compact
 * event headers, no process in any context.
 */
#ifndef TESTS_CTF_KERNEL_H
#define TESTS_CTF_KERNEL_H

#include <stdint.h>

enum { CTF_KERNEL_CPUS = 2, CTF_KERNEL_ROUNDS = 10, CTF_KERNEL_EVENTS = CTF_KERNEL_CPUS * CTF_KERNEL_ROUNDS * 4 };

/*
 * Writes metadata and the streams channel0_0 and channel0_1 into `folder`: from `begin_ns` on, each microsecond a
 * sched_waking, sched_switch, syscall_entry_futex, syscall_exit_futex on each CPU in turn.
 */
void ctf_write_kernel(const char *folder, uint64_t begin_ns, int64_t clock_offset_ns);

#endif
