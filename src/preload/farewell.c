/* What we have to say of a recording as a whole, when the tracer asks for last words. */
#include <inttypes.h>
#include <stdio.h>

#include "preload/operations.h"
#include "preload/real.h"
#include "preload/thread.h"
#include "runtime/interpose.h"

static void say_last_words(void)
{
    uint64_t unprepared = thread_unprepared();
    char text[128];
    for (const char **note = real_notes; *note; note++)
        interpose_note(*note);
    if (!unprepared)
        return;
    snprintf(text, sizeof text,
             "%" PRIu64 " threads took part unprepared: the first event of each is 20-35 us too late", unprepared);
    interpose_note(text);
}

__attribute__((constructor)) static void prepare_last_words(void)
{
    interpose_begin(operations_total, say_last_words);
}
