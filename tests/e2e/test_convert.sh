#!/bin/sh
# mapscope convert on what users really hand it: no trace, a foreign one, a damaged one, a full disk.
# usage: test_convert.sh BUILD_DIR
set -eu
. "$(dirname "$0")/lttng_session.sh"
build=$1
mapscope=$build/bin/mapscope
work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-convert-XXXXXX")
trap 'rm -rf "$work"' EXIT
quiet_sanitizers "$work"
passed=0

fail() {
    echo "FAIL: $*" >&2
    [ ! -s "$work/said" ] || cat "$work/said" >&2
    exit 1
}

# convert STATUS ARGUMENTS...: ends in time with that status; what it said is in $work/said.
convert() {
    expected=$1
    shift
    status=0
    timeout 20 "$mapscope" convert "$@" >"$work/out" 2>"$work/said" || status=$?
    [ "$status" -eq "$expected" ] || fail "convert $* ended with $status instead of $expected"
}

says() {
    grep -qF -- "$1" "$work/said" || fail "it does not say '$1'"
}

# only FILES...: nothing else lies in $work/results.
only() {
    for file in "$work"/results/* "$work"/results/.[!.]*; do
        [ -e "$file" ] || continue
        case " $* " in
        *" ${file##*/} "*) ;;
        *) fail "a file is left behind: $file" ;;
        esac
    done
}

done_with() {
    passed=$((passed + 1))
    rm -rf "$work/results"
    mkdir "$work/results"
}

fresh_trace() {
    rm -rf "$work/trace"
    cp -r "$work/recorded/trace" "$work/trace"
}

largest_stream() {
    find "$work/trace" -type f -name 'ev_*' ! -path '*/index/*' -printf '%s %p\n' | sort -rn | head -n 1 | cut -d' ' -f2-
}

mkdir "$work/results" "$work/empty"
timeout 60 "$mapscope" record -o "$work/recorded" --mutex-fraction 1 -- "$build/bin/session_cache" >/dev/null 2>&1 ||
    fail "cannot record"

convert 0 --help
grep -q 'usage: mapscope convert' "$work/out" || fail "no help"
"$mapscope" convert --help >/dev/full 2>"$work/said" && fail "help that nobody can read is a success"
convert 2
convert 2 a b
convert 2 --no-such-option a
done_with usage

convert 1 "$work/nowhere"
says "cannot read $work/nowhere: No such file or directory"
convert 1 "$mapscope"
says "$mapscope is neither the folder of a recording nor a contention profile in text"
convert 1 "$work/empty" --report "$work/results/r"
says "$work/empty"
only
done_with no trace

mkdir "$work/foreign"
"$build/tests/ctf_shapes" "$work/foreign"
convert 1 "$work/foreign" --report "$work/results/r" --chrome "$work/results/t.json"
says 'holds no mapscope event'
only
done_with a foreign trace

convert 0 "$work/recorded" --report - --pprof-mutex "$work/results/m"
grep -q '^mapscope report of' "$work/out" || fail "no report on the standard output"
only m
convert 1 "$work/recorded" --report "$work/nowhere/r" --pprof-mutex "$work/results/m2"
says "$work/nowhere/r"
convert 1 "$work/recorded" --report /dev/full
says 'No space left on device'
only m
done_with outputs

# Nothing stands in for a standard output that is not there, or takes its number.
status=0
"$mapscope" convert "$work/recorded" --pprof-mutex "$work/results/m" --report - >&- 2>"$work/said" || status=$?
[ "$status" -eq 1 ] || fail "without a standard output it ended with $status"
says 'cannot write standard output'
only
convert 1 "$work/recorded" --pprof-mutex "$work/results/x" --pprof-block "$work/results/x"
says 'results/x cannot be two outputs'
convert 1 "$work/recorded" --report - --chrome -
says 'standard output cannot be two outputs'
only
convert 0 "$work/recorded" --report /dev/null --chrome /dev/null
done_with outputs that are none

# The reader of a pipe goes away; a file may not grow: nothing is left behind, and it says why.
status=0
timeout 20 env --default-signal=PIPE sh -c '"$1" convert "$2" --chrome - --report "$3" 2>"$4" | head -c 10 >"$5"' sh \
    "$mapscope" "$work/recorded" "$work/results/r" "$work/said" "$work/out" || fail "head fails"
says 'cannot write the timeline: Broken pipe'
only
(
    ulimit -f 8
    convert_limited() { env --default-signal=XFSZ "$mapscope" convert "$@" 2>"$work/said"; }
    ! convert_limited "$work/recorded" --chrome "$work/results/t.json" --report "$work/results/r"
) || fail "a file that may not grow is written"
says 'cannot write the timeline: File too large'
only
done_with writes that fail

printf '%s\n' '--- contention' '5 1 @ 0x401011' >"$work/results/contention"
convert 1 "$work/results/contention" --pprof-mutex "$work/results/contention"
says 'would be replaced by its own profile'
grep -q '^5 1 @' "$work/results/contention" || fail "it was replaced"
only contention
done_with a profile in the place of its source

# A link that somebody has put where an output goes is not followed, unless the user has named it.
fresh_trace
echo mine >"$work/results/mine"
ln -s "$work/results/mine" "$work/trace/report.txt"
convert 0 "$work/trace"
[ "$(cat "$work/results/mine")" = mine ] || fail "a link beside the trace was followed"
grep -q '^mapscope report' "$work/trace/report.txt" || fail "no report"
ln -s "$work/results/mine" "$work/results/link"
convert 0 "$work/trace" --report "$work/results/link"
grep -q '^mapscope report' "$work/results/mine" || fail "a link of the user's was not followed"
only mine link
done_with a link

# What lies beside a trace, or is called, as somebody likes.
fresh_trace
rm -rf "$work/odd"
mkdir "$work/odd"
odd=$(printf 'an \033[31modd\n\377name')
mv "$work/trace" "$work/odd/$odd"
find "$work/odd" -type f -name 'meta_*' ! -path '*/index/*' -exec truncate -s 100 {} +
mkfifo "$work/odd/$odd/capture.json"
convert 0 "$work/odd/$odd" --report "$work/results/r"
[ "$(tr -d '\n -~\357\277\275' <"$work/said" | wc -c)" -eq 0 ] || fail "control characters on the terminal"
grep -q '?\[31modd?' "$work/said" || fail "the name is not said"
convert 0 "$work/recorded" --report "$work/results/my report"
says "less '$work/results/my report'"
rm "$work/results/my report"
only r
done_with an odd name

fresh_trace
stream=$(largest_stream)
size=$(stat -c %s "$stream")
truncate -s $((size - size / 3)) "$stream"
convert 0 "$work/trace" --report "$work/results/r" --chrome "$work/results/t.json"
says "$stream"
grep -qiE 'damaged|cut' "$work/results/r" || fail "the report does not tell of the damage"
"$build/tests/check_chrome" "$work/results/t.json" >"$work/said" || fail "the timeline is not sound"
only r t.json
done_with a cut stream

# A kernel trace of the same time beside it: its events on rows of their own, all else as it was.
fresh_trace
begin_ns=$(jq .begin.monotonic_ns "$work/recorded/capture.json")
offset_ns=$(($(jq .begin.epoch_ns "$work/recorded/capture.json") - begin_ns)) # jq rounds: to some hundred ns
"$build/tests/ctf_shapes" --kernel "$work/trace/kernel" "$begin_ns" "$offset_ns"
convert 0 "$work/recorded" --report "$work/results/before" --chrome "$work/results/before.json"
convert 0 "$work/trace" --report "$work/results/r" --chrome "$work/results/t.json"
"$build/tests/check_chrome" "$work/results/t.json" >"$work/said" || fail "the timeline is not sound"
[ "$(grep -o '"syscall_entry_futex"' "$work/results/t.json" | wc -l)" -eq 20 ] || fail "kernel events are missing"
grep -q '"CPU 1"' "$work/results/t.json" || fail "no row for a CPU"
sed 1,/^Recording/d "$work/results/before" | sed -n '/ thread/p' >"$work/said"
sed 1,/^Recording/d "$work/results/r" | sed -n '/ thread/p' | cmp -s - "$work/said" || fail "the kernel is a process"
done_with a kernel trace

# And a real one, of another machine: a row for each of its CPUs, with every event.
fresh_trace
tar xzf "$(dirname "$0")/../collector/recorded/kernel.tar.gz" -C "$work/trace" sched
convert 0 "$work/trace" --chrome "$work/results/t.json"
"$build/tests/check_chrome" "$work/results/t.json" >"$work/said" || fail "the timeline is not sound"
for event in sched_switch:216 sched_waking:112 sched_wakeup:112 syscall_entry_futex:51 syscall_exit_futex:51 \
    sched_process_fork:6 sched_process_exit:6; do
    [ "$(grep -o "\"name\":\"${event%:*}\"" "$work/results/t.json" | wc -l)" -eq "${event#*:}" ] ||
        fail "not every ${event%:*} of the kernel is there"
done
rows=$(jq -c '[.traceEvents[] | select(.cat == "kernel") | .tid] | group_by(.) | map(length)' "$work/results/t.json")
[ "$rows" = '[326,228]' ] && grep -q '"CPU 1"' "$work/results/t.json" || fail "events on the rows of the CPUs: $rows"
done_with a real kernel trace

fresh_trace
: >"$(find "$work/trace" -name metadata)"
convert 0 "$work/trace" --report "$work/results/r"
says 'the metadata is empty; its events are read as this mapscope records them'
grep -q '^traces without usable metadata, .*: 1$' "$work/results/r" || fail "the report does not tell"
only r
done_with an empty metadata file

fresh_trace
head -c 3000 /dev/urandom | dd of="$(largest_stream)" bs=1 seek=9000 conv=notrunc 2>/dev/null
convert 0 "$work/trace" --report "$work/results/r"
done_with a garbled stream

# A disk that fills up half way: nothing is left behind.
as_user=
[ "$(id -u)" -eq 0 ] || as_user='--user --map-root-user'
# shellcheck disable=SC2086 # a list of words
unshare $as_user --mount sh -euc '
    mount -t tmpfs -o size=20k tmpfs "$1"
    status=0
    timeout 20 "$2" convert "$3" --chrome "$1/t.json" || status=$?
    [ "$status" -eq 1 ] || { echo "ended with $status" >&2; exit 1; }
    [ -z "$(ls -A "$1")" ] || { echo "left behind:" "$1"/* >&2; exit 1; }
' sh "$work/results" "$mapscope" "$work/recorded" 2>"$work/said" || fail "on a full disk"
says 'No space left on device'
done_with a full disk

# Being stopped in the middle leaves nothing either.
"$mapscope" convert "$work/recorded" --chrome "$work/results/t.json" --report "$work/results/r" >/dev/null 2>&1 &
pid=$!
kill -TERM "$pid" 2>/dev/null || true
wait "$pid" || true
only t.json r
done_with an interrupt

echo "$passed passed, 0 failed"
