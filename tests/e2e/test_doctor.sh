#!/bin/sh
# mapscope doctor on machines in every state: what it says, and that what it says is what `mapscope record` then does.
# usage: test_doctor.sh BUILD_DIR
set -eu
. "$(dirname "$0")/doctor_world.sh"

# ---- the machine ----

test_a_healthy_machine() {
    doctor 0
    says 'ok       LTTng: lttng-sessiond 2\.'
    says 'ok       LTTng: lttng-consumerd 2\.'
    says "ok       libraries: $work/lib/libmapscope.so.0:"
    says 'ok       session daemon: a recording'"'s would be: own namespace \\(you are root\\)"
    says "ok       session daemon: root's session daemon does not run"
    says 'ok       /dev/shm: [0-9.]+ [MG]iB free, [0-9.]+ MiB needed'
    says 'ok       limits: [0-9]+ open files'
    says 'ok       environment: '
    says 'nothing wrong: mapscope record should work'
    [ ! -e /run/lttng ] || [ -z "$(ls -A /run/lttng)" ] || fail "$test: left behind: $(ls -A /run/lttng)"
    doctor 0 --quiet
    [ "$(wc -l <said)" = 1 ] || fail "$test: not quiet: $(cat said)"
}

test_usage() {
    doctor 0 --help
    says 'usage: mapscope doctor'
    doctor 2 --no-such-option
    doctor 2 --buffer 3
    status=0
    "$mapscope" doctor >/dev/full 2>stderr || status=$?
    [ "$status" = 1 ] || fail "$test: a full disk is no failure"
}

test_no_lttng() {
    as_whom="env PATH=/nowhere" doctor 1
    says 'PROBLEM  LTTng: there is no lttng-sessiond in PATH'
    mends 'apt install lttng-tools'
}

test_an_old_lttng() {
    mkdir -p fake
    printf '#!/bin/sh\necho "2.12.4 - X"\n' >fake/lttng-sessiond
    chmod +x fake/lttng-sessiond
    as_whom="env PATH=$work/fake:$PATH" doctor 1
    says 'PROBLEM  LTTng: .*/fake/lttng-sessiond is version 2\.12\.4.*: 2\.13 or later'
    printf '#!/bin/sh\nexec sleep 60\n' >fake/lttng-sessiond
    as_whom="env PATH=$work/fake:$PATH" doctor 1
    says 'PROBLEM  LTTng: .*does not say its version within 2 s'
}

test_libraries_are_missing() {
    mkdir -p alone/bin
    cp "$mapscope" alone/bin/
    mapscope=alone/bin/mapscope
    doctor 1
    says 'PROBLEM  libraries: cannot find libmapscope-lttng.so.0'
    mapscope=$work/bin/mapscope
}

test_shared_memory_is_short() {
    mount -t tmpfs -o size=1M,mode=1777 tmpfs /dev/shm
    doctor 1
    says 'PROBLEM  /dev/shm: /dev/shm has [0-9]+ KiB left, .*--buffer'
    record_fails true
    doctor 0 --buffer 64K
    says 'note     /dev/shm: .*needed for each traced process: few'
    mends 'size=1G'
    umount /dev/shm
}

test_limits_are_low() {
    as_whom="prlimit --nofile=80:80" doctor 1
    says 'PROBLEM  limits: 80 open files'
    mends 'LimitNOFILE'
    as_whom="prlimit --fsize=1000000" doctor 0
    says 'note     limits: files may have at most 977 KiB'
}

test_the_environment() {
    as_whom="env LTTNG_UST_WITHOUT_BADDR_STATEDUMP=1" doctor 1
    says 'PROBLEM  environment: LTTNG_UST_WITHOUT_BADDR_STATEDUMP=1: .*no function has a name'
}

# ---- daemons ----

test_a_daemon_of_root_is_seen() {
    daemon_start
    doctor 0
    says "ok       session daemon: root's session daemon \\(process [0-9]+\\) runs and answers"
    stop "$daemon"
    doctor 0 # a recording has its own
    says "note     session daemon: root's .* runs but does not answer: a recording does not use it"
    mends 'kill -CONT'
    daemon_end
}

test_root_without_the_right_to_mount_depends_on_it() {
    as_whom='setpriv --bounding-set=-sys_admin'
    doctor 0
    says 'ok       session daemon: .*: own, /run/lttng'
    daemon_start
    doctor 0
    says 'ok       session daemon: .*: shared, /run/lttng'
    stop "$daemon"
    doctor 1
    says "PROBLEM  session daemon: root's .* does not answer\$"
    record_fails true
    daemon_end
    as_whom=
}

test_users_and_the_group_tracing() {
    as_plain='setpriv --reuid=nobody --regid=nogroup --clear-groups'
    as_member="setpriv --reuid=nobody --regid=nogroup --groups=$(getent group tracing | cut -d: -f3)"
    as_whom=$as_plain doctor 0
    says 'ok       session daemon: .*: own folder \(you are neither'
    daemon_start tracing
    as_whom=$as_plain doctor 0
    says "ok       session daemon: root's .* runs, and is not for you"
    as_whom=$as_member doctor 0
    says 'ok       session daemon: .*: shared, /run/lttng \(you are in group tracing\)'
    says "ok       session daemon: root's .* runs and answers"
    stop "$daemon"
    as_whom=$as_member doctor 1
    says "PROBLEM  session daemon: root's .* does not answer\$"
    daemon_end
}

run_tests
