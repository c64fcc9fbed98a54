/* The profiles behind the seam of exporters: pprof-mutex, pprof-block and pprof-hold. */
#include <errno.h>
#include <stdio.h>

#include "exporters/exporter.h"
#include "exporters/pprof/pprof.h"
#include "model/contention_profile.h"
#include "model/profile_limits.h"

static void warn_if_folded(const struct profile *profile, const struct export_input *input)
{
    char text[160];
    if (!profile->folded_count || !input->warn)
        return;
    snprintf(
        text, sizeof text,
        "profile: the %zu smallest stacks are summed as [smaller samples], since consumers take %d samples and %d MiB",
        profile->folded_count, PROFILE_SAMPLES_MAX, PROFILE_BYTES_MAX >> 20);
    input->warn(input->self, text);
}

static int write_profile(const struct export_input *input, enum contention_profile_kind kind, struct outbuf *out,
                         struct diag *diag)
{
    struct contention_profile_input from = {
        .view = input->contention,
        .stacks = input->stacks,
        .symbols = input->symbols,
        .processes = input->processes,
        .losses = input->losses,
        .end_epoch_ns = input->end_epoch_ns,
        .duration_ns = (int64_t)(input->end_ns - input->begin_ns),
    };
    struct profile *profile;
    int error = contention_profile_create(&from, kind, &profile);
    if (error)
        return diag_errno(diag, -error, "cannot build the profile");
    warn_if_folded(profile, input);
    error = pprof_write(profile, out, diag);
    profile_destroy(profile);
    return error;
}

static int write_mutex(const struct export_input *input, struct outbuf *out, struct diag *diag)
{
    return write_profile(input, CONTENTION_PROFILE_MUTEX, out, diag);
}

static int write_block(const struct export_input *input, struct outbuf *out, struct diag *diag)
{
    return write_profile(input, CONTENTION_PROFILE_BLOCK, out, diag);
}

static int write_hold(const struct export_input *input, struct outbuf *out, struct diag *diag)
{
    return write_profile(input, CONTENTION_PROFILE_HOLD, out, diag);
}

const struct exporter exporter_pprof_mutex = {"pprof-mutex", "mutex.pb.gz", write_mutex};
const struct exporter exporter_pprof_block = {"pprof-block", "block.pb.gz", write_block};
const struct exporter exporter_pprof_hold = {"pprof-hold", "hold.pb.gz", write_hold};
