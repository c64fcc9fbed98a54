/* Ours and the runtime's: it is told of us at the start, and at the end we of the recording as a whole. */
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

__attribute__((constructor)) static void introduce(void)
{
    real();
    interpose_begin(&(struct interposer){
        .ops = operations_total,
        .farewell = say_last_words,
        .try = real_usable() ? real_table.pthread_mutex_trylock : NULL,
    });
}
