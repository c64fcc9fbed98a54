#!/bin/sh
# A map misused in every way: refused and sound, Go's message on request, and in the report with both stacks.
# usage: test_map_misuse.sh BUILD_DIR
set -eu
. "$(dirname "$0")/lttng_session.sh"
build=$1
misuse=$build/tests/misuse
work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-misuse-XXXXXX")
trap 'rm -rf "$work"' EXIT
quiet_sanitizers "$work"
ulimit -c 0

# expect PATTERN FILE: the file has a line that matches.
expect() {
    grep -qE -- "$1" "$2" || {
        head -n 60 "$2" >&2
        fail "no line matches '$1'"
    }
}

cat >"$work/expected" <<'TEXT'
write: EBUSY, then 1 entry, "two"
read: EBUSY, then 1 entry, "two"
iterate: EBUSY, then 1 entry, "two"
nil: EFAULT, then 1 entry, "one"
key: EINVAL, then 1 entry, "one"
TEXT

# Recorded only, traced or not.
timeout 20 "$misuse" >"$work/said" || fail "the program ended with $?"
diff "$work/expected" "$work/said" >&2 || fail "untraced"
# shellcheck disable=SC2046 # nothing, or one word
timeout 60 "$build/bin/mapscope" record $(pthread_option "$build") -o "$work/out" -- "$misuse" >"$work/said" 2>"$work/log" ||
    fail "cannot record: $(cat "$work/log")"
diff "$work/expected" "$work/said" >&2 || fail "traced"

# As Go does. aborts WAY TEXT: it says so and aborts.
aborts() {
    status=0
    (MAPSCOPE_FAULT=abort timeout 20 "$misuse" "$1" >"$work/said" 2>&1) 2>/dev/null || status=$?
    [ "$status" -eq 134 ] || fail "$1 ended with $status instead of an abort"
    expect "^$2\$" "$work/said"
    expect "^    $misuse\(\+0x[0-9a-f]+\) \[0x[0-9a-f]+\]\$" "$work/said"
}
aborts write 'fatal error: concurrent map writes'
expect '^map "misused" at 0x[0-9a-f]+, in thread [0-9]+:$' "$work/said"
expect '^thread [0-9]+ entered the map from:$' "$work/said"
site=$(sed -n '/ entered the map from:/{n;s/.*(+\(0x[0-9a-f]*\)).*/\1/p;}' "$work/said")
addr2line -f -e "$misuse" "$(printf '0x%x' $((site - 1)))" >"$work/site"
expect '^writer_main$' "$work/site"
aborts read 'fatal error: concurrent map read and map write'
aborts iterate 'fatal error: concurrent map iteration and map write'
aborts nil 'panic: assignment to entry in nil map'
aborts key 'panic: runtime error: hash of unhashable type'

timeout 60 "$build/bin/mapscope" convert "$work/out" >"$work/log" 2>&1 || fail "cannot convert: $(cat "$work/log")"
report=$work/out/report.txt
expect '^5 findings\.' "$report"
for text in 'concurrent map writes' 'concurrent map read and map write' 'concurrent map iteration and map write' \
    'assignment to entry in nil map' 'unhashable key'; do
    expect "^[1-5]\. $text, certain\$" "$report"
done
# The writer's own stack, and the offender's.
sed -n '/\. concurrent map writes, certain/,/^[2-5]\. /p' "$report" >"$work/writes"
expect '  assign  thread [0-9]+ writer' "$work/writes"
expect "^       writer_main .*misuse\.c:[0-9]+" "$work/writes"
expect '  write, refused  thread [0-9]+' "$work/writes"
expect '^       misuse_write .*misuse\.c:[0-9]+' "$work/writes"

timeline=$work/out/timeline.json
gzip -dc "$timeline.gz" >"$timeline"
jq -r '(.traceEvents // .)[] | select(.cat == "finding") | "\(.name) by \(.args.other), \(.args.certainty)"' "$timeline" \
    >"$work/marks"
expect '^concurrent map writes by write, refused, certain$' "$work/marks"
expect '^concurrent map iteration and map write by iterate, refused, certain$' "$work/marks"
expect '^unhashable key by key, refused, certain$' "$work/marks"
