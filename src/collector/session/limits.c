/* See limits.h. */
#include "collector/session/limits.h"

#define LOOK_MAX_NS UINT64_C(1000000000)
#define LOOK_MIN_NS UINT64_C(50000000) /* a look opens every folder of the trace */
#define LOOK_FIRST_NS UINT64_C(100000000)

void limits_begin(struct limits *limits, uint64_t duration_ns, uint64_t max_bytes, uint64_t now_ns)
{
    *limits = (struct limits){.end_ns = UINT64_MAX, .max_bytes = max_bytes, .look_ns = UINT64_MAX, .seen_ns = now_ns};
    if (duration_ns)
        limits->end_ns = now_ns + duration_ns;
    if (max_bytes)
        limits->look_ns = now_ns + LOOK_FIRST_NS;
}

uint64_t limits_due_ns(const struct limits *limits)
{
    return limits->end_ns < limits->look_ns ? limits->end_ns : limits->look_ns;
}

bool limits_wants_size(const struct limits *limits, uint64_t now_ns)
{
    return now_ns >= limits->look_ns;
}

/* Half of the time in which the trace is full, if it goes on growing as it did for `passed_ns`. */
static uint64_t half_time_left_ns(uint64_t left_bytes, uint64_t grown_bytes, uint64_t passed_ns)
{
    if (!grown_bytes)
        return LOOK_MAX_NS;
    double left_ns = (double)left_bytes * (double)passed_ns / (double)grown_bytes / 2;
    return left_ns < (double)LOOK_MIN_NS   ? LOOK_MIN_NS
           : left_ns > (double)LOOK_MAX_NS ? LOOK_MAX_NS
                                           : (uint64_t)left_ns;
}

void limits_note_size(struct limits *limits, uint64_t bytes, uint64_t now_ns)
{
    uint64_t grown_bytes = bytes > limits->seen_bytes ? bytes - limits->seen_bytes : 0;
    uint64_t left_bytes = bytes < limits->max_bytes ? limits->max_bytes - bytes : 0;
    limits->look_ns = now_ns + half_time_left_ns(left_bytes, grown_bytes, now_ns - limits->seen_ns);
    limits->seen_bytes = bytes;
    limits->seen_ns = now_ns;
}

enum limits_reached limits_reached(const struct limits *limits, uint64_t now_ns)
{
    if (limits->max_bytes && limits->seen_bytes >= limits->max_bytes)
        return LIMITS_SIZE;
    return now_ns >= limits->end_ns ? LIMITS_DURATION : LIMITS_NONE;
}
