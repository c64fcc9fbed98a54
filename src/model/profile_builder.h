/*
 * Builds a profile (model/profile.h) sample by sample. Errors stick: build freely, look once at finish.
 *
 *     struct profile_builder *builder;
 *     int error = profile_builder_create(&builder);
 *     ...
 *     profile_builder_value_type(builder, "delay", "nanoseconds");
 *     profile_builder_frame(builder, pid, location, 0);      // leaf first
 *     profile_builder_label(builder, "lock", "session table");
 *     profile_builder_sample(builder, (int64_t[]){1200});
 *     error = profile_builder_finish(builder, &profile);     // ends the builder, also on failure
 *
 * Everything is interned: mappings, functions, locations, strings; samples with the same frames and labels
 * become one, values added. Strings become well-formed UTF-8 (U+FFFD for what is not) and no longer than
 * consumers take, cut ones end in "...". Beyond PROFILE_SAMPLES_MAX samples, or PROFILE_BYTES_MAX, the smallest by the
 * last value are summed under the pseudo-frame [smaller samples], so that no total changes. Not thread-safe.
 */
#ifndef MODEL_PROFILE_BUILDER_H
#define MODEL_PROFILE_BUILDER_H

#include "model/process.h"
#include "model/profile.h"
#include "model/profile_limits.h"
#include "model/symbols.h"

struct profile_builder; /* opaque */

int profile_builder_create(struct profile_builder **out);
void profile_builder_destroy(struct profile_builder *builder);

/* At most PROFILE_VALUES_MAX, before the first sample. */
void profile_builder_value_type(struct profile_builder *builder, const char *type, const char *unit);
void profile_builder_default_type(struct profile_builder *builder, const char *type);
void profile_builder_period(struct profile_builder *builder, const char *type, const char *unit, int64_t period);
/* A time that is none, as damaged clocks make them, becomes the nearest that readers take. */
void profile_builder_time(struct profile_builder *builder, int64_t end_epoch_ns, int64_t duration_ns);
void profile_builder_comment(struct profile_builder *builder, const char *format, ...) DIAG_PRINTF(2, 3);

/* Makes `module` mapping 1, the main binary of the profile, whether a sample is in it or not. First call. */
void profile_builder_main(struct profile_builder *builder, uint32_t pid, const struct process_module *module);

/*
 * The next frame of the sample, leaf first. `location` and its module live until finish: the module's
 * has_* flags are read there. The first `skip` of its inlined frames are left out.
 */
void profile_builder_frame(struct profile_builder *builder, uint32_t pid, const struct symbol_location *location,
                           uint32_t skip);

/* A frame that is no code: "[lock handoff]". Each name gets an address of its own in page zero. */
void profile_builder_pseudo_frame(struct profile_builder *builder, const char *name);

void profile_builder_label(struct profile_builder *builder, const char *key, const char *text);
void profile_builder_number(struct profile_builder *builder, const char *key, int64_t number);

/* Ends the sample: one value for each value type. A sample without frames gets [unknown stack]. */
void profile_builder_sample(struct profile_builder *builder, const int64_t *values);

/* 0, or the first error: -ENOMEM, -EOVERFLOW. Destroys the builder; the caller owns *out. */
int profile_builder_finish(struct profile_builder *builder, struct profile **out);

#endif
