/*
 * Emits events with a field of every kind for test_ctf_differential.sh.
 *
 *     ctf_kinds ROUNDS [PAUSE_SECONDS]      pauses in the middle; prints the number of events
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "collector/ctf_kinds_tp.h"

enum { BYTES = 64 };

static const char *const texts[] = {"plain text", "tab\tand \"quotes\"", "caf\303\251 and more", "back\\slash",
                                    "a\nb",       "1234567890"};

static uint64_t emit_round(int64_t n)
{
    _Alignas(8) uint8_t bytes[BYTES];
    for (int i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(n * 37 + i * 11);
    const char *text = texts[(size_t)n % (sizeof texts / sizeof texts[0])];
    char padded[32] = {0}; /* arrays and sequences of text read past a short text's end */
    snprintf(padded, sizeof padded, "%s", text);
    lttng_ust_tracepoint(ctf_kinds, numbers, n - 50);
    lttng_ust_tracepoint(ctf_kinds, arrays, padded, bytes, (size_t)(n % (BYTES + 1)));
    lttng_ust_tracepoint(ctf_kinds, tails, n - 50, padded, bytes, (uint32_t)(n % (BYTES + 1)));
    lttng_ust_tracepoint(ctf_kinds, nothing);
    if (n % 10)
        return 4;
    lttng_ust_tracepoint(ctf_kinds, empty_text, "");
    return 5;
}

int main(int argc, char **argv)
{
    int64_t rounds = argc > 1 ? atoll(argv[1]) : 0;
    unsigned pause = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    uint64_t events = 0;
    for (int64_t n = 0; n < rounds; n++) {
        if (pause && n == rounds / 2)
            sleep(pause);
        events += emit_round(n);
    }
    printf("%" PRIu64 "\n", events);
    return 0;
}
