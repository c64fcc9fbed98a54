#!/bin/sh
# The main job on the example, faulty and fixed: record, convert, and read every output with somebody
# else's reader. usage: test_demo.sh BUILD_DIR
set -eu
. "$(dirname "$0")/lttng_session.sh"
build=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/mapscope-demo-XXXXXX")
trap 'rm -rf "$work"' EXIT
quiet_sanitizers "$work"

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# expect PATTERN FILE: the file has a line that matches.
expect() {
    grep -qE -- "$1" "$2" || {
        cat "$2" >&2
        fail "no line matches '$1'"
    }
}

expect_none() {
    if grep -nE -- "$1" "$2" >&2; then
        fail "a line matches '$1'"
    fi
}

record_and_convert() {
    out=$1
    shift
    # shellcheck disable=SC2046 # nothing, or one word
    timeout 60 "$build/bin/mapscope" record $(pthread_option "$build") -o "$out" --mutex-fraction 1 --keys -- "$build/bin/session_cache" "$@" \
        >"$out.stdout" 2>"$out.stderr" || {
        cat "$out.stderr" >&2
        fail "record failed"
    }
    timeout 60 "$build/bin/mapscope" convert "$out" >"$out.convert" 2>&1 || {
        cat "$out.convert" >&2
        fail "convert failed"
    }
}

pprof() {
    go tool pprof "$@" 2>/dev/null
}

# total_ns PROFILE: the delay in nanoseconds, from pprof's own sums.
total_ns() {
    pprof -raw "$1" | awk '/^ *[0-9]+ +[0-9]+: /{ sub(":", "", $2); sum += $2 } END { printf "%.0f\n", sum }'
}

check_profiles() {
    out=$1
    pprof -top "$out/mutex.pb.gz" >"$work/top"
    expect 'Type: delay' "$work/top"
    expect 'audit_sessions' "$work/top"
    expect 'table_leave \(inline\)' "$work/top"
    expect '\[lock handoff\]' "$work/top"
    expect_none '<unknown>' "$work/top"
    pprof -list 'audit_sessions' "$out/mutex.pb.gz" >"$work/list"
    expect 'ROUTINE.*audit_sessions in .*session_cache\.c' "$work/list"
    expect 'ms.*table_leave\(server\);' "$work/list"
    pprof -top -contentions "$out/mutex.pb.gz" >"$work/contentions"
    expect 'Type: contentions' "$work/contentions"
    pprof -top -mean_delay "$out/mutex.pb.gz" >"$work/mean"
    expect 'audit_sessions' "$work/mean"
    pprof -top -tagfocus='lock=session table' "$out/mutex.pb.gz" >"$work/focus"
    expect 'audit_sessions' "$work/focus"
    pprof -top "$out/block.pb.gz" >"$work/block"
    expect 'table_enter \(inline\)|log_in' "$work/block"

    mutex=$(total_ns "$out/mutex.pb.gz")
    block=$(total_ns "$out/block.pb.gz")
    [ "$mutex" -gt 0 ] || fail "the mutex profile is empty"
    [ "$mutex" = "$block" ] || fail "conservation: mutex + hand-off $mutex ns, block $block ns"
}

check_timeline() {
    gzip -dc "$1/timeline.json.gz" >"$work/timeline.json"
    jq -e '.traceEvents | length > 100' "$work/timeline.json" >/dev/null || fail "jq cannot read the timeline"
    "$build/tests/check_chrome" "$work/timeline.json" >"$work/checked" || {
        cat "$work/checked" >&2
        fail "the timeline breaks a rule of the viewer"
    }
    # a cleanup of the map lies on its own row beside the assigns, tied to its registration by a flow
    jq -e '[.traceEvents[] | select(.ph == "M" and .name == "thread_name") | .args.name]
        | (map(test("assign")) | any) and (map(test("deferred")) | any)' "$work/timeline.json" >/dev/null ||
        fail "the rows assigns and deferred cleanup are missing"
    jq -e '[.traceEvents[] | select(.name == "log_out" and .flow_in)] | length > 50' "$work/timeline.json" >/dev/null ||
        fail "cleanups without a flow from their registration"
}

# rows PATTERN: the names of the timeline's rows that match.
rows() {
    jq -r '.traceEvents[] | select(.ph == "M" and .name == "thread_name") | .args.name' "$work/timeline.json" |
        grep -cE -- "$1" || true
}

# The story of the lost key: its versions, the cleanups that were pending for it, and each loss.
check_story() {
    [ "$(rows '^user:alice · entry$')" = 1 ] || fail "no row for the lost key's entry"
    [ "$(rows '^user:alice · cleanup of (phone|laptop)$')" = 2 ] || fail "no rows for the lost key's cleanups"
    [ "$(rows '^assigns · visitor [0-9]+$')" = 2 ] || fail "two threads of one name are not told apart"
    # A group a lock: the session table's, and perhaps the janitor's queue, a pthread mutex.
    jq -e '[.traceEvents[] | select(.ph == "M" and .name == "thread_name" and .args.name == "holds").pid]
           | length >= 1 and length == (unique | length)' "$work/timeline.json" >/dev/null ||
        fail "the holds of one lock lie on more than one row"
    # 25, or nearly so where the machine is slow: as many as convert counts
    findings=$(sed -n 's/^mapscope: .* \([0-9]*\) findings (see the report)$/\1/p' "$out.convert")
    jq -e --arg findings "$findings" '[.traceEvents[] | select(.name == "lost key user:alice")]
           | length > 15 and length == ($findings | tonumber) and all(.flow_in)' \
        "$work/timeline.json" >/dev/null || fail "not every lost key is joined to its assign"
    jq -e '.traceEvents | map(.name) | (index("STALE delete user:alice") and index("miss user:alice"))' \
        "$work/timeline.json" >/dev/null || fail "the stale deletion or the miss is not named by its key"
}

record_and_convert "$work/faulty"
expect '[1-9][0-9]* live sessions were lost' "$work/faulty.stdout"
check_profiles "$work/faulty"
check_timeline "$work/faulty"
check_story
report=$work/faulty/report.txt
expect 'user:alice' "$report"
expect 'handle_phone|phone_main' "$report"
expect 'handle_laptop' "$report"
expect 'log_out' "$report"
expect_none 'visitor:' "$report"

record_and_convert "$work/fixed" --fixed
expect ' 0 live sessions were lost' "$work/fixed.stdout"
check_profiles "$work/fixed"
check_timeline "$work/fixed"
expect_none 'user:alice' "$work/fixed/report.txt"
[ "$(rows '^(lost keys|user:alice .*)$')" = 0 ] || fail "a lost key where none is"
echo "1 passed, 0 failed"
