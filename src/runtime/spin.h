/* Doing nothing for a moment, in a way that tells the processor. */
#ifndef MSC_RUNTIME_SPIN_H
#define MSC_RUNTIME_SPIN_H

/* 10 to 50 ns each. */
static inline void spin_pause(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("isb");
#endif
    }
}

#endif
