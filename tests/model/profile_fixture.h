/* The profiles of the small recording in contention_fixture.h: valid ones. */
#ifndef TESTS_MODEL_PROFILE_FIXTURE_H
#define TESTS_MODEL_PROFILE_FIXTURE_H

#include "model/contention_fixture.h"

#include "model/contention_profile.h"
#include "model/profile_reading.h"

static inline struct profile *profile_of(const struct fixture *f, enum contention_profile_kind kind)
{
    struct contention_profile_input input = {.view = &f->view,
                                             .stacks = f->stacks,
                                             .symbols = &f->symbols,
                                             .processes = &f->processes,
                                             .losses = &f->losses,
                                             .end_epoch_ns = 1700000000000000000,
                                             .duration_ns = 2000000000};
    struct profile *profile;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(contention_profile_create(&input, kind, &profile), 0);
    int error = profile_validate(profile, &diag);
    assert_string_equal(diag_text(&diag), "");
    assert_int_equal(error, 0);
    return profile;
}

#endif
