/* The keeper's side of keeper.h: what runs in its process. */
#ifndef COLLECTOR_SESSION_KEEPER_PROCESS_H
#define COLLECTOR_SESSION_KEEPER_PROCESS_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/session/control.h"
#include "collector/session/place.h"

enum { KEEPER_READY_MS = 5000, KEEPER_TERM_MS = 3000, KEEPER_KILL_MS = 2000 };
enum { KEEPER_END_MS = 1000 + KEEPER_TERM_MS + KEEPER_KILL_MS };

/* To the recorder: first when the daemon is ready (error 0) or not, then, if it comes to that, that it has ended. */
struct keeper_message {
    int32_t error;
    char text[1020];
};

/* Never returns. `fd` is the keeper's end of the socket, `*daemon` in shared memory. */
_Noreturn void keeper_process(const struct place *place, const struct control *control, int fd, _Atomic pid_t *daemon);

#endif
