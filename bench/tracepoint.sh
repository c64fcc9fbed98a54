#!/bin/sh
# What a call site costs with the tracepoint off and on, against a bare LTTng event of equal payload in the
# same run. usage: tracepoint.sh BUILD_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tests/e2e/lttng_session.sh"
lttng_private "$@"
program=$1/bench/tracepoint

echo 'tracepoint  mapscope   bare LTTng   ratio   empty loop   (ns a call, medians)'
deadline 60 "$program"

lttng_subbuf=512k
lttng_begin bench mapscope:map_assign mapscope_bench:assign
deadline 60 "$program"
lttng_end bench
warnings=$(deadline 60 babeltrace2 "$lttng_dir/bench" -c sink.utils.dummy 2>&1) || fail "babeltrace2: $warnings"
[ -z "$warnings" ] || fail "events were lost, so the numbers are of nothing: $warnings"
