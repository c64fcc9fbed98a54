#!/bin/sh
# Traces that have lost their metadata, as a session daemon leaves them that is killed: what is on disk is read by
# the metadata that mapscope knows its own events to have, exactly as it would be otherwise, and that is said.
# usage: test_record_salvage.sh BUILD_DIR
set -eu
. "$(dirname "$0")/recorder_world.sh"
dump=$work/bin/ctf_dump

# emit_many: commands for emit_all until the file `go` is there: more than the buffers hold.
emit_many() {
    n=0
    while [ ! -e go ] && [ "$((n += 1))" -lt 1500 ]; do
        yes emit 2>/dev/null | head -n 100
        sleep 0.01
    done 2>/dev/null
}

leaf() { dirname "$(find out/trace -name metadata)"; }

# expect_same_without WHAT: our reader reads the trace as it did when it was whole.
expect_same_without() {
    "$dump" out/trace >read 2>dump.said || fail "$test: $1: $(cat dump.said)"
    cmp -s whole read || fail "$test: $1: reads otherwise: $(diff whole read | head -n 4)"
    grep -q 'its events are read as this mapscope records them' dump.said || fail "$test: $1: not said: $(cat dump.said)"
    "$dump" --losses out/trace 2>/dev/null | grep -q ' known_traces=1$' || fail "$test: $1: not counted"
}

test_what_is_known_is_what_lttng_writes() {
    echo emit >commands
    record 0 --keys -- "$program" <commands
    "$dump" out/trace >whole 2>/dev/null
    [ "$(grep -c ' mapscope:' whole)" -ge 20 ] && [ "$(grep -c ' lttng_ust_statedump:' whole)" -ge 5 ] ||
        fail "$test: little was recorded: $(cut -d' ' -f2 whole | sort | uniq -c)"
    cp "$(leaf)/metadata" metadata
    : >"$(leaf)/metadata"
    expect_same_without 'an empty metadata file'
    head -c 5000 metadata >"$(leaf)/metadata"
    expect_same_without 'a cut metadata file'
    rm "$(leaf)/metadata"
    expect_same_without 'no metadata file'
}

test_a_foreign_stream_is_not_guessed_at() {
    echo emit >commands
    record 0 -- "$program" <commands
    cpu=$("$dump" out/trace | sed -n '/ mapscope:/{s/.* cpu_id = \([0-9]*\) .*/\1/p;q}')
    folder=$(leaf)
    : >"$folder/metadata"
    printf '\377\175' | dd of="$folder/ev_$cpu" bs=1 seek=84 conv=notrunc 2>/dev/null # its first event's id: none of ours
    status=0
    "$mapscope" convert out --report report 2>stderr || status=$?
    [ "$status" = 1 ] || [ "$(sed -n 's/^unreadable stream files skipped: //p' report)" = 1 ] ||
        fail "$test: a stream is read that cannot be: $(cat stderr report)"
}

test_a_killed_daemon_leaves_what_is_on_disk() {
    rm -rf out go
    mkfifo -m 600 commands.fifo
    emit_many >commands.fifo &
    feeder=$!
    "$mapscope" record -o out --buffer 64K -- "$program" <commands.fifo >/dev/null 2>stderr &
    recorder=$!
    eventually is_written
    kill -9 "$(process lttng-sessiond)"
    eventually grep -q 'the rest is not recorded' stderr
    touch go
    wait "$feeder" || true
    record_end 0
    expect_capture '.ended_by == "daemon" and .state == "cut"'
    expect_capture '.losses.without_metadata | .count == 1 and (.first[0] | test("^emit_all_unlink"))'
    expect_said 'warning: 1 process without metadata, .*: emit_all_unlink'

    deadline 60 "$mapscope" convert out --report report --pprof-mutex mutex.pb.gz --chrome t.json 2>stderr ||
        fail "$test: not converted: $(cat stderr)"
    expect_said 'its events are read as this mapscope records them'
    expect_said 'the recording was cut: the session daemon ended before the program'
    for file in report t.json; do
        grep -q 'the recording was cut: the session daemon ended before the program' "$file" ||
            fail "$test: $file does not say it"
    done
    grep -q '^traces without usable metadata.*: 1$' report || fail "$test: the report does not count it: $(cat report)"
    deadline 60 go tool pprof -comments mutex.pb.gz >comments 2>&1 || fail "$test: pprof: $(cat comments)"
    grep -q '1 traces read without metadata of their own' comments || fail "$test: pprof: $(cat comments)"
    grep -q 'the recording was cut' comments || fail "$test: pprof: $(cat comments)"
    [ "$(sed -n 's/^packets damaged and skipped: //p' report)" = '' ] || fail "$test: damaged: $(cat report)"
}

# More than one packet of ours is on disk.
is_written() { find out/trace -name 'ev_*' -size +64k 2>/dev/null | grep -q .; }

run_tests
