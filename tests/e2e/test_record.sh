#!/bin/sh
# mapscope record for real: what it records, exit statuses, signals, output folders; and that nothing of it is left.
# usage: test_record.sh BUILD_DIR
#
# Runs in a process and mount namespace of its own, where whatever is left can only be ours.
set -eu
. "$(dirname "$0")/recorder_world.sh"

# ---- what it records ----

test_a_trace_of_every_event() {
    echo emit >commands
    record 0 -- "$program" <commands
    tr ' ' '\n' <stdout | sed 's/^/ mapscope:/' | sort -u >expected
    events >recorded
    [ "$(wc -l <recorded)" -gt 10 ] || fail "$test: $(cat recorded stderr)"
    diff expected recorded >&2 || fail "$test: these differ"
    expect_said 'recorded 1 process, .*no event lost'
    expect_said 'next: mapscope convert out'
    expect_capture '.state == "complete" and .exit.status == 0 and .losses == {discarded_events: 0, lost_packets: 0, without_buffers: {count: 0, first: []}, without_metadata: {count: 0, first: []}}'
    expect_capture '.arguments == null and .pid > 0 and .end.monotonic_ns > .begin.monotonic_ns'
    [ "$(stat -c %a out)" = 700 ] || fail "$test: the folder is open to others"
    deadline 30 babeltrace2 out/trace | grep -q 'lttng_ust_statedump:build_id' || fail "$test: no modules"
}

test_children_are_recorded_too() {
    record 0 -- sh -c "echo emit | $program; echo emit | $program"
    expect_capture '.counts.processes >= 3 and .counts.bytes > 10000'
    [ "$(deadline 30 babeltrace2 out/trace 2>/dev/null | grep 'mapscope:' | grep -o 'vpid = [0-9]*' | sort -u | wc -l)" = 2 ] ||
        fail "$test: not two processes"
}

test_settings_reach_the_program() {
    MAPSCOPE_MAP_RATE=5 record 0 --mutex-fraction 7 --mutex-fraction 9 --keys --buffer 64K -- sh -c env 'a"b'
    for setting in MAPSCOPE_MUTEX_FRACTION=9 MAPSCOPE_MAP_RATE=5 MAPSCOPE_KEYS=1 LTTNG_UST_REGISTER_TIMEOUT=5000; do
        grep -qx "$setting" stdout || fail "$test: no $setting in $(cat stdout)"
    done
    expect_capture '.settings == {ring_bytes: 65536, MAPSCOPE_MAP_RATE: 5, MAPSCOPE_MUTEX_FRACTION: 9, MAPSCOPE_KEYS: 1}'
    expect_capture '.arguments == ["-c", "env", "a\"b"]'
    seed=$(sed -n 's/^MAPSCOPE_KEY_SEED=//p' stdout)
    [ -n "$seed" ] || fail "$test: no seed"
    ! grep -q "$seed" out/capture.json || fail "$test: the seed is not secret"
    record 0 -- env
    ! grep -qx "MAPSCOPE_KEY_SEED=$seed" stdout || fail "$test: the same seed twice"
}

# A program without the dynamic loader, so without LTTng, that says what it was given.
make_static() {
    cat >static.c <<'C'
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
int main(void)
{
    for (int fd = 0; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf("fd %d\n", fd);
    sigset_t blocked;
    struct sigaction action;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number < 64; number++)
        if (sigaction(number, NULL, &action) == 0)
            printf("signal %d %d %d\n", number, sigismember(&blocked, number), action.sa_handler == SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    printf("files %lu %lu\ngroup %d\n", files.rlim_cur, files.rlim_max, getpgrp() == getpid());
    for (char **variable = environ; *variable; variable++)
        printf("variable %s\n", *variable);
    return 4;
}
C
    [ -e static ] || cc -D_GNU_SOURCE -static -o static static.c
}

# The program finds descriptors, signals, limits and variables as they would be without us.
test_the_program_inherits_nothing_of_ours() {
    make_static
    (
        trap '' PIPE HUP
        LTTNG_HOME=/elsewhere deadline 10 ./static >plain || true
        sed -i /LTTNG_HOME=/d plain
        LTTNG_HOME=/elsewhere record 4 -- ./static
        grep -v -E '^variable (MAPSCOPE_KEY_SEED|MAPSCOPE_PAGES|LTTNG_UST_REGISTER_TIMEOUT|LD_PRELOAD)=' stdout | diff plain - >&2 ||
            fail "$test: these differ"
    )
    LD_PRELOAD=libdl.so.2 record 0 -- sh -c 'echo "$LD_PRELOAD"'
    grep -q 'libmapscope-lttng.so.0:liblttng-ust-fork.so.1:libdl.so.2$' stdout || fail "$test: $(cat stdout)"
}

test_nothing_recorded_is_explained() {
    make_static
    record 4 -- ./static
    expect_said 'nothing was recorded: .*static'
}

# ---- exit statuses ----

test_exit_statuses() {
    record 0 -- true
    record 7 -- sh -c 'exit 7'
    record 137 -- sh -c 'kill -9 $$'
    expect_capture '.exit == {status: null, signal: 9} and .state == "complete"'
    record 143 -- sh -c 'kill $$'
    record 127 -- no-such-program
    expect_said 'no-such-program: no such program in PATH'
    [ ! -e out ] || fail "$test: a folder for nothing"
    record 126 -- /etc/passwd
    expect_said 'cannot run /etc/passwd: Permission denied'
    echo '#!/no/such/interpreter' >script
    chmod +x script
    record 127 -- ./script
    [ ! -e out ] || fail "$test: a folder for nothing"
    echo 'exit 9' >script
    record 9 -- ./script
    record 125 --buffer 3 -- true
    record 125 --no-such-option -- true
    record 125
}

# ---- output folders ----

test_only_a_folder_of_ours_is_reused() {
    record 0 -- true
    touch out/mine
    deadline 30 "$mapscope" record -o out -- true 2>stderr || fail "$test: $(cat stderr)"
    [ -e out/mine ] || fail "$test: it deleted what it did not make"
    [ "$(find out -name metadata | wc -l)" = 1 ] || fail "$test: two recordings in one folder"
    rm out/capture.json
    find out >before
    status=0
    deadline 30 "$mapscope" record -o out -- true 2>stderr || status=$?
    [ "$status" = 125 ] || fail "$test: exit status $status"
    expect_said 'is not empty and holds no recording of mapscope'
    find out | diff before - >&2 || fail "$test: it changed somebody's folder"
    rm -rf out && mkdir out
    deadline 30 "$mapscope" record -o out -- true 2>stderr || fail "$test: an empty folder is refused: $(cat stderr)"
    rm -rf out && touch out
    ! deadline 30 "$mapscope" record -o out -- true 2>stderr || fail "$test: a file is taken"
    rm -f out
    status=0
    deadline 30 "$mapscope" record -o no/such/folder -- true 2>stderr || status=$?
    [ "$status" = 125 ] || fail "$test: exit status $status"
    expect_said 'no/such/folder: No such file'
    expect_nothing_left
}

test_a_long_path() {
    long=$work/$(printf 'x%.0s' $(seq 200))
    mkdir "$long"
    deadline 30 "$mapscope" record -o "$long/out" -- true 2>stderr || fail "$test: $(cat stderr)"
    [ -n "$(find "$long" -name metadata)" ] || fail "$test: no trace"
    rm -r "$long"
}

test_a_folder_in_use_is_refused() {
    record_start -- sh -c "$wait_and_see"
    ! deadline 30 "$mapscope" record -o out -- true 2>second || fail "$test: it was taken"
    touch go
    record_end 3
    rm go
    grep -q 'another mapscope is recording' second || fail "$test: $(cat second)"
}

test_two_recordings_at_once() {
    record_start -- sh -c "$wait_and_see"
    echo emit | deadline 30 "$mapscope" record -o out2 -- "$program" >/dev/null 2>second || fail "$test: $(cat second)"
    grep -q 'recorded 1 process' second || fail "$test: $(cat second)"
    touch go
    record_end 3
    rm -r go out2
    expect_capture '.state == "complete"'
    expect_said 'recorded [1-9]'
}

# ---- signals ----

test_signals_are_passed_on() {
    for pair in TERM=143 HUP=129; do
        signal=${pair%=*}
        record_start -- sh -c "trap 'exit 42' $signal; $wait_and_see"
        kill -s "$signal" "$recorder"
        record_end 42
        expect_capture '.state == "complete" and .exit.status == 42'
        record_start -- sh -c "$wait_and_see"
        kill -s "$signal" "$recorder"
        record_end "${pair#*=}"
    done
}

# in_terminal COMMAND: runs it on a terminal whose keys are what is written to fd 5.
in_terminal() {
    rm -f keys
    mkfifo keys
    # What runs in the background of a script ignores ^C. exec, because some shells, that the key interrupts as well,
    # exit with 130 whatever their command made of it.
    env --default-signal=INT,QUIT SHELL=/bin/sh script -qefc "exec $1" /dev/null <keys >screen 2>&1 &
    terminal=$!
    exec 5>keys
}

test_an_interrupt_key_reaches_the_program() {
    rm -rf out ready count
    in_terminal "$mapscope record -o out -- sh -c 'trap \"echo interrupted >>count\" INT; touch ready; sleep 1; sleep 1; exit 5'"
    eventually test -e ready
    printf '\003' >&5
    status=0
    wait "$terminal" || status=$?
    exec 5>&-
    [ "$status" = 5 ] || fail "$test: exit status $status: $(cat screen)"
    [ "$(cat count)" = interrupted ] || fail "$test: $(cat count)"
    expect_capture '.state == "complete"'
    expect_nothing_left
}

test_a_second_interrupt_key_kills() {
    rm -rf out ready
    in_terminal "$mapscope record -o out -- sh -c 'trap \"\" INT; touch ready; exec sleep 60'"
    eventually test -e ready
    printf '\003' >&5
    eventually grep -q 'again kills it' screen
    printf '\003' >&5
    status=0
    wait "$terminal" || status=$?
    exec 5>&-
    [ "$status" = 137 ] || fail "$test: exit status $status: $(cat screen)"
    expect_capture '.state == "complete" and .exit.signal == 9'
    expect_nothing_left
}

test_a_signal_before_the_program_begins() {
    mkdir -p fake
    printf '#!/bin/sh\ntouch "%s/ready"\nsleep 1\nexec /usr/bin/lttng-sessiond "$@"\n' "$work" >fake/lttng-sessiond
    chmod +x fake/lttng-sessiond
    PATH=$work/fake:$PATH record_start -- touch began
    kill -TERM "$recorder"
    record_end 143
    [ ! -e began ] && [ ! -e out ] || fail "$test: it began"
}

run_tests
