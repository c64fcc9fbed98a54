/* See losses.h. */
#include "model/losses.h"

const char *losses_end_text(enum losses_end end)
{
    static const char *const texts[] = {
        [LOSSES_END_DURATION] = "the recording ended by --duration; the program went on",
        [LOSSES_END_SIZE] = "the recording ended by --max-size; the program went on",
        [LOSSES_END_SIGNAL] = "the recording ended by a signal; the program went on",
        [LOSSES_END_CUT] = "the recording was cut: the tracer did not say that all of it was written",
        [LOSSES_END_DAEMON] = "the recording was cut: the session daemon ended before the program",
        [LOSSES_END_KILLED] = "the recording was cut: the recorder was killed, or is recording still",
    };
    return texts[end];
}
