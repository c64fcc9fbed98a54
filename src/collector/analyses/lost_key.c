/* See lost_key.h. */
#include "collector/analyses/lost_key.h"

static bool inside_the_actions_scope(const struct lost_key_action *action, const struct lost_key_assign *assign)
{
    if (assign->scope == action->scope)
        return true;
    return !action->handed_over && assign->tid == action->tid && action->run_tid == action->tid;
}

bool lost_key_by_action(const struct lost_key_action *action, uint64_t removed_version,
                        const struct lost_key_assign *assign)
{
    if (action->bound && action->version == removed_version)
        return false;
    if (!action->bound && assign->time_ns <= action->time_ns)
        return false; /* cleans up what was there when it was registered */
    return !inside_the_actions_scope(action, assign);
}

bool lost_key_without_assign(const struct lost_key_action *action, uint64_t removed_version)
{
    return action->bound && action->version != 0 && action->version != removed_version;
}
