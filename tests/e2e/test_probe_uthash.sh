#!/bin/sh
# A hash table that is not ours: uthash with mapscope's probes shows the rows of a map of ours, and its lost key and
# its growth are found. usage: test_probe_uthash.sh BUILD_DIR
set -eu
. "$(dirname "$0")/lttng_session.sh"
build=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-uthash-XXXXXX")
trap 'rm -rf "$work"' EXIT
quiet_sanitizers "$work"

# expect PATTERN FILE: the file has a line that matches.
expect() {
    grep -qE -- "$1" "$2" || {
        grep -vE '^(counter|map assign visitor)' "$2" | head -n 40 >&2
        fail "no line matches '$1'"
    }
}

[ -x "$build/bin/uthash_sessions" ] || fail "the example is not built: Debian's uthash-dev is missing"
"$build/bin/uthash_sessions" >"$work/untraced"
# shellcheck disable=SC2046 # nothing, or one word
timeout 60 "$build/bin/mapscope" record $(pthread_option "$build") -o "$work/out" --keys -- "$build/bin/uthash_sessions" >"$work/traced" \
    2>"$work/said" || fail "cannot record: $(cat "$work/said")"
cmp "$work/untraced" "$work/traced" || fail "tracing changes what the program does"
expect "^uthash_sessions: 2000 sessions, sum 1999000, alice's was lost\$" "$work/traced"
timeout 60 "$build/bin/mapscope" convert "$work/out" >"$work/said" 2>&1 || fail "cannot convert: $(cat "$work/said")"

report=$work/out/report.txt
expect '^2 findings\.' "$report"
expect '^1\. lost key, certain$' "$report"
expect 'key user:alice .* of map sessions ' "$report"
expect 'register cleanup log_out  thread [0-9]+ phone  version 2001$' "$report"
expect 'assign  thread [0-9]+ laptop  version 2002$' "$report"
expect 'delete log_out  thread [0-9]+ phone  version 2002$' "$report"
expect ' table_put +.*uthash_sessions\.c:[0-9]+$' "$report"

# It was filled without room: uthash doubles from 32 to 512 buckets, whatever the run.
expect '^2\. growth burst, certain$' "$report"
tr -s ' \n' ' ' <"$report" >"$work/flat" # lines break where the numbers let them
expect 'It grew 4 times within [0-9]+ us, from 2\^5 to 2\^9 buckets, and moved [0-9]+ entries\. It held 200[0-9] at' "$work/flat"

# The map's group: its rows, its counters, and the flow from the lost assign to the finding.
timeline=$work/out/timeline.json
gzip -dc "$timeline.gz" >"$timeline"
jq -r '(.traceEvents // .) as $all
    | ($all[] | select(.ph == "M" and .name == "process_name" and (.args.name | startswith("map sessions"))) | .pid) as $map
    | $all[] | select(.pid == $map)
    | if .ph == "M" and .name == "thread_name" then "row \(.args.name)"
      elif .ph == "X" then "\(.cat) \(.name)"
      elif .ph == "C" then "counter \(.name) \(.args | to_entries[0].value)" else empty end' "$timeline" |
    sort -u >"$work/rows"
expect '^row lost keys$' "$work/rows"
expect '^row user:alice .+ entry$' "$work/rows"
expect '^row user:alice .+ cleanup of phone$' "$work/rows"
expect '^row assigns' "$work/rows"
expect '^row deferred cleanup' "$work/rows"
expect '^row growth$' "$work/rows"
expect '^row findings$' "$work/rows"
expect '^finding growth burst$' "$work/rows"
expect '^map assign visitor:1999$' "$work/rows"
expect '^map grow$' "$work/rows"
expect '^finding lost key user:alice$' "$work/rows"
expect '^stale STALE delete user:alice$' "$work/rows"
expect '^counter entries 2001$' "$work/rows"
expect '^counter buckets 256$' "$work/rows"
