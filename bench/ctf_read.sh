#!/bin/sh
# Decoding and merging traces: our reader on one thread against babeltrace2, CPU time, medians of one run of this
# script; and by the clock, on all cores.
# usage: ctf_read.sh BUILD_DIR [TRACE_DIR]      without a trace it records three: of few streams, of many, and of many with four times the events
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tests/e2e/lttng_session.sh"
[ $# -gt 1 ] || lttng_private "$@"
build=$1

# record NAME PROCESSES OPERATIONS: as many processes one after the other, each with a buffer on each CPU.
record() {
    lttng_create "$1"
    lttng_event "$1" enable 'mapscope:*'
    deadline 10 lttng --quiet start "$1"
    for _ in $(seq "$2"); do
        deadline 60 "$build/bench/load" "$3" >/dev/null
    done
    lttng_end "$1"
    cp -r "$lttng_dir/$1" "$work/$1" # from memory to where traces lie: a tmpfs is read page by page
}

# compare TRACE: a line.
compare() {
    ours=$("$build/bench/ctf_read" "$1")
    alone=$("$build/bench/ctf_read" --unordered "$1")
    cores=$("$build/bench/ctf_read" --threads "$1")
    peer=$("$build/bench/ctf_read" --peer "$1" babeltrace2 "$1" -c sink.utils.dummy)
    streams=$(find "$1" -type f -size +0 ! -name metadata ! -path '*/index/*' | wc -l)
    echo "$streams ${ours% *} ${ours#* } ${alone#* } ${cores#* } ${peer#* }" |
        awk '{ printf "%7d %9d %9.1f %11.1f %11.1f %12.1f %6.1fx\n", $1, $2, $3, $4, $5, $6, $6 / $3 }'
}

echo 'streams    events      ours   unordered   all cores  babeltrace2  ratio'
echo '                      ns CPU      ns CPU     ns wall       ns CPU         (an event)'
if [ $# -gt 1 ]; then
    compare "$2"
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-bench-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    record few 1 200000
    compare "$work/few"
    record many 64 2000
    compare "$work/many"
    record larger 64 8000
    compare "$work/larger"
fi
