#!/bin/sh
# Maps that are filled: the one without room is found, with what its growth came to; the one with room is not; and
# the one that grew while it was gone through is. usage: test_map_growth_found.sh BUILD_DIR
set -eu
. "$(dirname "$0")/lttng_session.sh"
lttng_private "$@"
build=$1

lttng_subbuf=4M lttng_begin grow 'mapscope:*' 'lttng_ust_statedump:*'
"$build/tests/grow" || fail "the program ended with $?"
lttng_end grow
deadline 60 "$build/bin/mapscope" convert "$lttng_dir/grow" --report /run/report --chrome /run/timeline.json >/run/said 2>&1 ||
    fail "$(cat /run/said)"
tr -s ' \n' ' ' </run/report >/run/flat

# expect PATTERN FILE TIMES
expect() {
    [ "$(grep -oE -- "$1" "$2" | wc -l)" = "$3" ] || fail "not $3 times '$1': $(cat /run/report)"
}

expect 'growth burst, certain' /run/flat 1
expect 'growth burst, certain map "?no room"? ' /run/flat 1
# A table of 2^B buckets grows when there are 6.5 * 2^B entries (8 while B is 0): that is when they are moved.
expect 'It grew 10 times within [0-9]+ us, from 2\^0 to 2\^10 buckets, and moved 6651 entries, which took [0-9]+ us\. It held 5000 at the most' /run/flat 1
expect 'growth during iteration, certain map "?gone through"? ' /run/flat 1
expect 'add_while_going_through' /run/flat 2
expect 'It had handed out 104 entries, of 105 that there were at its end' /run/flat 1
expect '"name":"growth burst"' /run/timeline.json 1
expect '"name":"growth during iteration"' /run/timeline.json 1
