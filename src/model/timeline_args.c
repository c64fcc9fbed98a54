/* See timeline_args.h. */
#include "model/timeline_args.h"

const struct timeline_key_form timeline_key_forms[TIMELINE_KEY_COUNT] = {
#define FORM(name, its_kind, its_text) [TIMELINE_ARG_##name] = {.kind = TIMELINE_KIND_##its_kind, .text = its_text},
    TIMELINE_KEYS(FORM)
#undef FORM
};
