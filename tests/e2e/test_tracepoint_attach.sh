#!/bin/sh
# Tracepoints switched on and off in a program that runs: all, one, filtered, for two sessions; with the library
# opened again; in forked and exec'd processes; at the very end; preloaded. usage: test_tracepoint_attach.sh BUILD_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lttng_session.sh"
lttng_private "$@"
build=$1
library=$(readlink -f "$build/lib/libmapscope-lttng.so")
every=$(sed 's/^mapscope:\([a-z_]*\).*/\1/' "$here/../tracepoints/events.expected" | paste -sd ' ')

# program_start PROGRAM [VARIABLE=VALUE...]: it reads commands from fd 3 and answers on fd 4.
program_start() {
    program=$1
    shift
    rm -f /run/commands /run/answers
    mkfifo /run/commands /run/answers
    env "$@" "$build/tests/$program" </run/commands >/run/answers &
    pid=$!
    exec 3>/run/commands 4</run/answers
}

program_end() {
    exec 3>&-
    wait "$pid" || fail "the program ended with $?"
    exec 4<&-
}

# ask COMMAND ANSWER: the program answers so.
ask() {
    echo "$1" >&3
    answer=$(deadline 10 head -n 1 <&4)
    [ "$answer" = "$2" ] || fail "asked to $1, the program says \"$answer\" instead of \"$2\""
}

# expect_events SESSION EVENT...: the session recorded these, in this order, each once.
expect_events() {
    session=$1
    shift
    recorded=$(lttng_print "$session" | sed 's/^mapscope:\([a-z_]*\).*/\1/' | paste -sd ' ')
    [ "$recorded" = "$*" ] || fail "session $session recorded \"$recorded\" instead of \"$*\""
}

program_start emit_all
ask emit nothing
lttng_begin first
ask emit nothing

lttng_event first enable 'mapscope:*'
ask emit "$every"
lttng_event first disable 'mapscope:*'
ask emit nothing

lttng_event first enable mapscope:log
ask emit log
lttng_begin second mapscope:log
ask emit log
lttng_end second
ask emit log

lttng_event first enable mapscope:map_alloc --filter='map_gen == 102 && name == "sess*"'
lttng_event first enable mapscope:map_free --filter='count == 1'
ask emit 'map_alloc map_free log'
lttng_event first disable mapscope:map_alloc
lttng_event first disable mapscope:map_free

cp "$library" /run/copy.so
ask "load $library" loaded
ask "load $library" loaded
ask 'load /run/copy.so' loaded
ask emit log
program_end
lttng_end first
# shellcheck disable=SC2086 # a list of words
expect_events first $every log log log map_alloc log log
expect_events second log

lttng_begin exec mapscope:log
program_start emit_all
ask emit log
ask fork log # in the parent's name: see docs/events.md, Contexts
ask exec log
program_end
lttng_end exec
expect_events exec log log log

lttng_begin fork mapscope:log
program_start emit_all LD_PRELOAD=liblttng-ust-fork.so
ask emit log
ask fork log
ask emit log
program_end
lttng_end fork
expect_events fork log log log
processes=$(lttng_print fork | cut -d ' ' -f 2 | uniq | wc -l)
[ "$processes" -eq 3 ] || fail "not by parent, child, parent: $(lttng_print fork)"

lttng_begin farewell mapscope:lock_totals
program_start emit_all
ask farewell noted
program_end
lttng_end farewell
expect_events farewell lock_totals

lttng_begin preloaded mapscope:variant
program_start emit_all_unlinked
ask emit nothing
program_end
program_start emit_all_unlinked LD_PRELOAD="$library"
ask emit variant
ask farewell noted
program_end
lttng_end preloaded
expect_events preloaded variant variant
