#!/bin/sh
# mapscope record and the session daemon that it has: every kind of it, whoever is killed or hangs, whatever is missing;
# and that nothing is left. usage: test_record_daemons.sh BUILD_DIR
set -eu
. "$(dirname "$0")/recorder_world.sh"

# ---- whoever is killed ----

test_the_program_is_killed() {
    record_start -- sh -c "echo \$\$ >pid; $wait_and_see"
    kill -9 "$(cat pid)"
    record_end 137
}

test_the_daemon_is_killed() {
    record_start -- sh -c "echo emit | $program >/dev/null; $wait_and_see"
    kill -9 "$(process lttng-sessiond)"
    eventually grep -q 'the rest is not recorded: .*signal 9' stderr
    touch go
    record_end 3
    rm go
    expect_capture '.state == "cut"'
    [ -n "$(events)" ] || fail "$test: what was recorded before is lost"
}

test_the_consumer_is_killed() {
    record_start -- sh -c "$wait_and_see"
    kill -9 "$(process lttng-consumerd)"
    touch go
    record_end 3
    rm go
}

test_the_daemon_hangs() {
    record_start -- sh -c "$wait_and_see"
    kill -STOP "$(process lttng-sessiond)"
    touch go
    record_end 3
    rm go
    expect_said 'cannot stop the recording: no answer within 5 s'
    expect_said "unknown how many events were lost"
    expect_said "its end may be missing"
    expect_capture '.state == "cut"'
}

test_the_keeper_is_killed() {
    record_start -- sh -c "$wait_and_see"
    kill -9 "$(process mapscope-keeper)"
    eventually grep -q 'the process that keeps the session daemon was killed' stderr
    touch go
    status=0
    wait "$recorder" || status=$?
    rm go
    [ "$status" = 3 ] || fail "$test: exit status $status: $(cat stderr)"
    eventually_nothing_left
}

test_the_recorder_is_killed() {
    record_start -- sh -c "$wait_and_see"
    kill -9 "$recorder"
    status=0
    wait "$recorder" || status=$?
    [ "$status" = 137 ] || fail "$test: exit status $status"
    eventually_nothing_left
    expect_capture '.state == "recording" and .end.epoch_ns == null'
    touch go
    eventually has_ended sleep
    rm go
}

# ---- what may be missing ----

test_no_room_for_buffers() {
    mount -o remount,size=1M /dev/shm
    mounts_before=$(cat /proc/self/mounts)
    record 125 -- true
    expect_said '/dev/shm has [0-9]+ KiB left, .*--buffer'
    [ ! -e out ] || fail "$test: a folder for nothing"
    record 6 --keep-going -- sh -c 'echo "$LD_PRELOAD"; exit 6'
    expect_said 'warning: not recorded: /dev/shm'
    [ -z "$(cat stdout)" ] || fail "$test: preloaded $(cat stdout)"
    mount -o remount,size=50% /dev/shm
    mounts_before=$(cat /proc/self/mounts)
}

# There is room for one process: what its children do is lost, and everybody says so.
test_room_for_one_process() {
    size=0
    while [ "$((size += 1))" -lt 200 ]; do
        mount -o remount,size="${size}M" /dev/shm
        ! as_whom= deadline 30 "$mapscope" record -o out -- true 2>stderr || break
    done
    mounts_before=$(cat /proc/self/mounts)
    record 0 -- sh -c "echo emit | $program; echo emit | $program" # the shell has the buffers
    expect_said 'has room for the buffers of 1 processes only'
    expect_said 'recorded .* unknown how many events were lost'
    expect_said 'warning: [0-9]+ process(es)? not recorded, because LTTng opened no buffers'
    expect_capture '.losses.without_buffers.count >= 1'
    deadline 30 "$mapscope" convert out --report report 2>stderr || true # there may be no event at all
    cat stderr report 2>/dev/null | grep -q 'LTTng opened no buffers' || fail "$test: not repeated: $(cat stderr)"
    mount -o remount,size=50% /dev/shm
    mounts_before=$(cat /proc/self/mounts)
}

test_a_full_disk() {
    mkdir small
    mount -t tmpfs -o size=300k small small
    mounts_before=$(cat /proc/self/mounts)
    status=0
    deadline 30 "$mapscope" record -o small/out -- sh -c "yes emit | head -n 20000 | $program >/dev/null; exit 4" 2>stderr || status=$?
    [ "$status" = 4 ] || fail "$test: exit status $status: $(cat stderr)"
    expect_said 'warning: the disk of .*/small/out is full: .*--max-size'
    expect_said 'unknown how many events were lost|events lost'
    jq -e '.state == "cut" and .exit.status == 4' small/out/capture.json >/dev/null ||
        fail "$test: $(cat small/out/capture.json)"
    expect_nothing_left
    umount small
    mounts_before=$(cat /proc/self/mounts)
}

test_no_daemon_to_run() {
    as_whom="env PATH=/nowhere" record 125 -- /bin/true
    expect_said 'cannot run lttng-sessiond: No such file or directory \(apt install lttng-tools\)'
}

test_a_daemon_that_is_never_ready() {
    mkdir -p fake
    printf '#!/bin/sh\necho something is wrong >&2\nexec sleep 60\n' >fake/lttng-sessiond
    chmod +x fake/lttng-sessiond
    as_whom="env PATH=$work/fake:$PATH" record 125 -- true
    expect_said 'cannot start the session daemon: it was not ready within 5 s: something is wrong'
    [ ! -e out ] || fail "$test: a folder for nothing"
}

test_no_libraries() {
    mkdir -p alone/bin
    cp "$mapscope" alone/bin/
    status=0
    deadline 30 alone/bin/mapscope record -o out -- true 2>stderr || status=$?
    [ "$status" = 125 ] || fail "$test: exit status $status"
    expect_said 'cannot find libmapscope-lttng.so.0'
}

# ---- kinds of daemon ----

test_our_own_daemon_polls_often() {
    record_start -- sh -c "$wait_and_see"
    for name in lttng-sessiond lttng-consumerd; do
        grep -q libmapscope-daemons "/proc/$(process "$name")/maps" || fail "$test: not loaded by $name"
    done
    touch go
    record_end 3
    rm go
}

# expect_daemon KIND: and it works.
expect_daemon() {
    record 3 -- sh -c "echo emit | $program >/dev/null; exit 3"
    expect_capture ".daemon == \"$1\""
    [ -n "$(events)" ] || fail "$test: no events: $(cat stderr)"
}

test_root_has_its_own_beside_a_running_one() {
    shared_daemon_start
    expect_daemon 'own namespace'
    shared_daemon_end
}

# As in a container. A daemon that runs is used, and nothing of ours stays in it; else there is room for our own.
test_root_without_the_right_to_mount() {
    as_whom='setpriv --bounding-set=-sys_admin'
    expect_daemon 'own, /run/lttng'
    record_start -- sh -c "$wait_and_see"
    kill -9 "$(process lttng-sessiond)"
    touch go
    record_end 3
    rm go
    shared_daemon_start
    expect_daemon 'shared, /run/lttng'
    record_start -- sh -c "$wait_and_see"
    kill -9 "$recorder"
    wait "$recorder" || true
    eventually has_no_session
    touch go
    shared_daemon_end
    as_whom=
    rm go
}

test_a_member_of_group_tracing_uses_a_running_one() {
    cd "$work/user"
    as_member="$as_plain --groups=$(getent group tracing | cut -d: -f3)"
    shared_daemon_start
    as_whom=$as_member expect_daemon 'shared, /run/lttng'
    has_no_session || fail "$test: $(lttng list)"
    kill -STOP "$(cat /run/daemon.pid)"
    as_whom=$as_member record 125 -- true
    expect_said "no answer within 5 s"
    as_whom="$as_plain --clear-groups" record 0 -- true
    expect_said "warning: root's session daemon \(process $(cat /run/daemon.pid)\) does not answer: .* waits 5 s"
    kill -CONT "$(cat /run/daemon.pid)"
    shared_daemon_end
    as_whom=$as_member expect_daemon 'own folder'
}

test_a_plain_user() {
    expect_daemon 'own folder'
    record 143 -- sh -c 'kill $$'
    record 127 -- no-such-program
    record_start -- sh -c "$wait_and_see"
    ls -d "$XDG_RUNTIME_DIR"/ms-?????? >/dev/null || fail "$test: not in XDG_RUNTIME_DIR: $(ls -A "$XDG_RUNTIME_DIR")"
    kill -9 "$(process lttng-sessiond)"
    touch go
    record_end 3
    rm -f go
    record_start -- sh -c "$wait_and_see"
    kill -9 "$recorder"
    wait "$recorder" || true
    eventually_nothing_left
    touch go
    eventually has_ended sleep
    rm -f go
    XDG_RUNTIME_DIR=/$(printf 'x%.0s' $(seq 60))
    expect_daemon 'own folder'
    XDG_RUNTIME_DIR=$work/runtime
}

run_tests
