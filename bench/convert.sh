#!/bin/sh
# What a trace costs to convert, a run of the whole program each, medians of five, against babeltrace2 only
# decoding the same trace in the same run. usage: convert.sh BUILD_DIR [TRACE_DIR]
set -eu
build=$1
mapscope=$build/bin/mapscope
work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
runs=5

if [ $# -gt 1 ]; then
    trace=$2
else
    trace=$work/recorded/trace
    "$mapscope" record -o "$work/recorded" --mutex-fraction 1 --buffer 64M -- "$build/bench/load" 200000 2>"$work/said" || {
        cat "$work/said" >&2
        exit 1
    }
fi
"$mapscope" convert "$trace" --report "$work/report" 2>"$work/said"
events=$(sed -n 's/^mapscope: \([0-9]*\) events.*/\1/p' "$work/said")
bytes=$(du -sb "$trace" | cut -f1)
echo "$events events, $((bytes / events)) bytes each; ns an event, wall, of the whole program"
grep -A1 '^Losses' "$work/report" >/dev/null
sed -n '/^Losses/,/^$/p' "$work/report" | tail -n +3

# median COMMAND...: ns an event.
median() {
    for _ in $(seq $runs); do
        begin=$(date +%s%N)
        "$@" >/dev/null 2>&1
        echo $((($(date +%s%N) - begin) / events))
    done | sort -n | sed -n "$((runs / 2 + 1))p"
}

# row NAME NS
row() {
    awk -v name="$1" -v ns="$2" -v peer="$peer" 'BEGIN { printf "%-42s %8d %8.1fx\n", name, ns, peer / ns }'
}

peer=$(median babeltrace2 "$trace" -c sink.utils.dummy)
row 'babeltrace2 -c sink.utils.dummy' "$peer"
row 'babeltrace2, text' "$(median babeltrace2 "$trace")"
row 'mapscope convert --pprof-mutex' "$(median "$mapscope" convert "$trace" --pprof-mutex /dev/null)"
row 'mapscope convert --report' "$(median "$mapscope" convert "$trace" --report /dev/null)"
row 'mapscope convert --chrome' "$(median "$mapscope" convert "$trace" --chrome /dev/null)"
row 'mapscope convert --chrome .gz' "$(median "$mapscope" convert "$trace" --chrome "$work/timeline.json.gz")"
