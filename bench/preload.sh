#!/bin/sh
# What libmapscope-preload costs, without a tracer in the process, off (nobody traces), on, and with --hold, beside the
# plain program, the same with liblttng-ust loaded, without a session and in one that has nothing to trace in it, the least
# that an exact account can cost (preload_floor.c), and LTTng's own pthread wrapper (liblttng-ust-pthread-wrapper), idle
# and tracing. The variants take turns; medians.
# usage: preload.sh BUILD_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tests/e2e/lttng_session.sh"
lttng_private "$@"
build=$(cd "$1" && pwd)
ours=$build/lib/libmapscope.so.0:$build/lib/libmapscope-preload.so.0
tracer=$build/lib/libmapscope-lttng.so.0
theirs=liblttng-ust-pthread-wrapper.so
rounds=${ROUNDS:-3} repeats=${REPEATS:-5}

# some VARIANT WHAT: measurements, into the file of the two.
some() {
    timed=
    [ "$1" != preload-timed ] || timed=1
    case $1 in
    plain) preload= ;;
    lttng-ust | lttng-session) preload=liblttng-ust.so.1 ;;
    floor) preload=$build/bench/preload_floor.so ;;
    no-tracer) preload=$ours ;;
    preload-*) preload=$ours:$tracer ;;
    wrapper-*) preload=$theirs ;;
    esac
    [ "$2" != hold ] && [ "$2" != woken ] || preload=$preload${preload:+:}$build/bench/preload_hold.so
    for repeat in $(seq "$repeats"); do
        MAPSCOPE_HOLD=$timed LD_PRELOAD=$preload deadline 20 "$build/bench/preload" "$2" >>"$lttng_dir/$1.$2"
    done
}

# traced EVENTS VARIANT WHAT: the same while these are traced.
traced() {
    lttng_subbuf=1M lttng_begin "$2.$3.$round" "$1"
    some "$2" "$3"
    lttng_end "$2.$3.$round"
    rm -rf "${lttng_dir:?}/$2.$3.$round"
}

median() { sort -n "$lttng_dir/$1.$2" | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

variants='plain lttng-ust lttng-session no-tracer preload-off preload-on preload-timed floor wrapper-idle wrapper-tracing'
printf '%-12s %-16s %10s %10s %8s\n' ns variant median more ratio
for what in ${WHAT:-pair pair-two turn contended longer handover hold woken}; do
    for round in $(seq "$rounds"); do
        for variant in $variants; do
            case $variant in
            lttng-session | preload-on | preload-timed) traced 'mapscope:*' "$variant" "$what" ;;
            wrapper-tracing) traced 'lttng_ust_pthread:*' "$variant" "$what" ;;
            *) some "$variant" "$what" ;;
            esac
        done
    done
    plain=$(median plain "$what")
    for variant in $variants; do
        median "$variant" "$what" | awk -v what="$what" -v variant="$variant" -v plain="$plain" \
            '{ printf "%-12s %-16s %10.2f %+10.2f %8.3f\n", what, variant, $1, $1 - plain, $1 / plain }'
    done
done
