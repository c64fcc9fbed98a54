#!/bin/sh
# mapscope doctor on programs and processes of every kind: what it says, and that what it says is what `mapscope record`
# then does. usage: test_doctor_targets.sh BUILD_DIR
set -eu
. "$(dirname "$0")/doctor_world.sh"

# ---- programs ----

test_programs_are_judged_as_record_finds_them() {
    program dynamic -g -O2
    doctor 0 ./dynamic
    says 'ok       program: ./dynamic: .*, linked dynamically'
    says 'ok       build id: [0-9a-f]+'
    says 'ok       symbols: functions, files and lines$'
    record_works ./dynamic
    program static -static
    doctor 1 ./static
    says 'PROBLEM  program: ./static is linked statically'
    says '1 problem, .*would not work'
    record_fails ./static
    program static-pie -static-pie
    doctor 1 ./static-pie
    says 'PROBLEM  program: ./static-pie is linked statically'
    record_fails ./static-pie
    program asan -fsanitize=address
    as_whom='env -u ASAN_OPTIONS' doctor 1 ./asan
    says 'PROBLEM  sanitizer: AddressSanitizer'
    mends 'verify_asan_link_order=0'
    as_whom='env -u ASAN_OPTIONS' record_fails ./asan
    as_whom='env ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0' record_works ./asan
    as_whom='env ASAN_OPTIONS=verify_asan_link_order=0' doctor 0 ./asan
    doctor 1 ./no-such-program
    says 'PROBLEM  program: cannot run ./no-such-program: No such file'
    doctor 0 -- emit_all --its-own option
    says "ok       program: $work/bin/emit_all: "
    says 'ok       libmapscope: linked with libmapscope-lttng'
    printf '#!/usr/bin/env sh\nexit 0\n' >script
    chmod +x script
    doctor 0 ./script
    says 'ok       program: ./script: a script, run by /.*/sh$'
    ! grep -q symbols said || fail "$test: the symbols of a shell"
}

test_frame_pointers() {
    program kept -O2 -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer
    doctor 0 ./kept
    says 'ok       stacks: [0-9]+ of [0-9]+ functions keep a frame pointer'
    program omitted -O2 -fomit-frame-pointer
    doctor 0 ./omitted
    says 'note     stacks: 0 of [0-9]+ functions keep a frame pointer'
    mends 'fno-omit-frame-pointer'
}

test_symbols_and_separate_debug_files() {
    program whole -g
    cp whole stripped
    strip stripped
    doctor 0 ./stripped
    says 'note     symbols: stripped'
    says 'ok       stacks: ' # known without symbols
    objcopy --only-keep-debug whole stripped.debug
    objcopy --add-gnu-debuglink=stripped.debug stripped
    doctor 0 ./stripped
    says 'ok       symbols: functions, files and lines \(from a separate debug file\)'
    echo x >>stripped.debug
    program no-id -g -Wl,--build-id=none
    doctor 0 ./no-id
    says 'note     build id: has no build id'
}

test_rights_gained_by_exec() {
    as_whom=
    [ "$world" != root ] || as_whom='setpriv --reuid=nobody --regid=nogroup --clear-groups'
    doctor 1 su
    says 'PROBLEM  privileges: .*/su is setuid: the loader ignores LD_PRELOAD'
    if [ "$world" = root ]; then
        program capable
        setcap cap_net_raw+ep capable
        doctor 1 ./capable
        says 'PROBLEM  privileges: ./capable has file capabilities'
        as_whom= doctor 0 ./capable # root gains nothing
        program group
        chgrp tracing group
        chmod 2755 group
        doctor 1 ./group
        says 'PROBLEM  privileges: ./group is setgid'
    fi
    as_whom=
}

# ---- processes ----

# process_start COMMAND...: one that answers on a pipe, and so is known to have begun.
process_start() {
    rm -f commands answers
    mkfifo commands answers
    "$@" <commands >answers &
    pid=$!
    exec 3>commands 4<answers
    echo emit >&3
    deadline 20 head -n 1 <&4 >/dev/null
}

process_end() {
    exec 3>&-
    wait "$pid" || true
    exec 4<&-
}

is_registered() {
    "$mapscope" doctor "$pid" >said 2>stderr || true
    grep -qE '^ok       registered: with the session daemon of (/var)?/run/lttng$' said
}

test_a_process_and_its_daemon() {
    process_start emit_all
    doctor 0 "$pid"
    says "ok       process: $pid runs $work/bin/emit_all as user root"
    says 'ok       libmapscope: libmapscope-lttng is loaded'
    says 'note     registered: with no session daemon'
    says 'ok       session daemon: .*: own, /run/lttng \(you are root\)'
    says 'note     libmapscope: liblttng-ust-fork is not loaded'
    says 'ok       surroundings: '
    says '.*: tracing it should work'
    daemon_start
    eventually is_registered
    stop "$pid"
    doctor 0 "$pid"
    says 'ok       session daemon: .*: shared, /run/lttng \(you are root\)'
    says 'note     process: it is stopped'
    kill -CONT "$pid"
    stop "$daemon"
    doctor 1 "$pid"
    says "PROBLEM  session daemon: root's .* does not answer"
    daemon_end
    process_end
    doctor 1 "$pid"
    says "PROBLEM  process: there is no process $pid"
}

# As `record --pid` would: with the daemon that the user has started, or none.
test_a_plain_users_process_and_its_own_daemon() {
    as_plain='setpriv --reuid=nobody --regid=nogroup --clear-groups'
    mkdir -m 777 user
    as_whom=$as_plain
    # shellcheck disable=SC2086 # a list of words
    process_start $as_plain env HOME="$work/user" emit_all
    doctor 1 "$pid"
    says 'PROBLEM  session daemon: no session daemon of yours runs that the process could register with'
    mends 'lttng-sessiond --daemonize'
    # shellcheck disable=SC2086
    HOME=$work/user deadline 10 $as_plain lttng-sessiond --daemonize --no-kernel --quiet --pidfile="$work/user/pid"
    doctor 0 "$pid"
    says "ok       session daemon: .*: shared, the user's \(you are neither"
    stop "$(cat user/pid)"
    doctor 1 "$pid"
    says 'PROBLEM  session daemon: .*user/.lttng \(process [0-9]+\) runs but does not answer'
    kill -CONT "$(cat user/pid)"
    kill "$(cat user/pid)"
    process_end
    as_whom=
}

test_a_process_without_tracepoints() {
    process_start cat
    doctor 1 "$pid"
    says 'PROBLEM  libmapscope: it has not loaded libmapscope'
    mends 'mapscope record'
    process_end
}

test_a_process_whose_file_was_replaced() {
    cp bin/emit_all replaced
    process_start ./replaced
    rm replaced
    doctor 0 "$pid"
    says 'note     process: its file was removed or replaced'
    says 'ok       symbols: functions, files and lines'
    process_end
}

test_a_process_in_a_container() {
    process_start unshare --mount sh -c 'mount -t tmpfs tmpfs /dev/shm; exec emit_all'
    doctor 1 "$pid"
    says 'PROBLEM  surroundings: it sees another /dev/shm than you'
    process_end
}

test_a_process_of_somebody_else() {
    process_start emit_all
    as_whom='setpriv --reuid=nobody --regid=nogroup --clear-groups' doctor 1 "$pid"
    says "PROBLEM  process: process $pid is user 0's: only that user and root may look at it"
    process_end
}

# A process that ends while it is looked at: some problem is told, and nothing hangs or crashes.
test_processes_that_end_meanwhile() {
    for delay in 0 0.001 0.002 0.005 0.01 0.02 0.05; do
        sleep "$delay" &
        status=0
        deadline 20 "$mapscope" doctor $! >said 2>stderr || status=$?
        [ "$status" = 1 ] && [ ! -s stderr ] || fail "$test: exit status $status: $(cat said stderr)"
        wait
    done
}

run_tests
