#!/bin/sh
# What libmapscope-preload costs, off (nobody traces) and on, beside the plain program and LTTng's own pthread wrapper
# (liblttng-ust-pthread-wrapper), idle and tracing. The variants take turns; medians. usage: preload.sh BUILD_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tests/e2e/lttng_session.sh"
lttng_private "$@"
program=$1/bench/preload
ours=$1/lib/libmapscope.so.0:$1/lib/libmapscope-preload.so.0:$1/lib/libmapscope-lttng.so.0
theirs=liblttng-ust-pthread-wrapper.so
rounds=${ROUNDS:-5}

# once VARIANT WHAT: one measurement, into the file of the two.
once() {
    case $1 in
    plain) preload= ;;
    preload-*) preload=$ours ;;
    wrapper-*) preload=$theirs ;;
    esac
    LD_PRELOAD=$preload deadline 60 "$program" "$2" >>"$lttng_dir/$1.$2"
}

median() { sort -n "$lttng_dir/$1.$2" | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

# both SESSION EVENT WHAT...: what is measured while that is traced.
compare() {
    for round in $(seq "$rounds"); do
        for what in pair pair-two contended handover hold; do
            once plain "$what"
            once preload-off "$what"
        done
        for what in pair pair-two contended; do
            once wrapper-idle "$what"
        done
        lttng_subbuf=4M lttng_begin "ours$round" 'mapscope:*'
        for what in pair pair-two contended handover hold; do
            once preload-on "$what"
        done
        lttng_end "ours$round"
        lttng_subbuf=4M lttng_begin "theirs$round" 'lttng_ust_pthread:*'
        for what in pair pair-two contended; do
            once wrapper-tracing "$what"
        done
        lttng_end "theirs$round"
    done
}

compare
printf '%-12s %-16s %10s %10s %8s\n' ns variant median more ratio
for what in pair pair-two contended handover hold; do
    plain=$(median plain "$what")
    for variant in plain preload-off preload-on wrapper-idle wrapper-tracing; do
        [ -e "$lttng_dir/$variant.$what" ] || continue
        median "$variant" "$what" | awk -v what="$what" -v variant="$variant" -v plain="$plain" \
            '{ printf "%-12s %-16s %10.2f %+10.2f %8.3f\n", what, variant, $1, $1 - plain, $1 / plain }'
    done
done
