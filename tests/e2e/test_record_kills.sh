#!/bin/sh
# SIGKILL at a random moment of a recording, for one of those who take part in it: the program, the daemon, its
# consumer, the keeper, mapscope itself. Whoever it is: what is on disk converts, or is said to hold nothing; nothing
# of ours is left; and where mapscope lives, it passes the program's end on.
# usage: test_record_kills.sh BUILD_DIR [ROUNDS [SEED]]: 100 rounds (30 where CI is set), by the clock's seed
set -eu
. "$(dirname "$0")/recorder_world.sh"
rounds=${2:-$([ -n "${CI:-}" ] && echo 30 || echo 100)}
seed=${3:-$(date +%N | sed 's/^0*//')}

# Commands for a program that is busy until the file `go` is there: some MB a second of every event, so that buffers fill and packets are written.
busy() {
    n=0
    while [ ! -e go ] && [ "$((n += 1))" -lt 1500 ]; do
        yes emit 2>/dev/null | head -n 100
        sleep 0.01
    done 2>/dev/null
}

# victims ROUNDS SEED: a line a round: whom, and after how many milliseconds from the start of mapscope.
victims() {
    awk -v rounds="$1" -v seed="$2" 'BEGIN {
        srand(seed)
        split("emit_all_unlink lttng-sessiond lttng-consumerd mapscope-keeper mapscope", who)
        for (i = 0; i < rounds; i++)
            print who[i % 5 + 1], int(rand() * 500)
    }'
}

# kill_victim NAME: whoever has it now; false if there is nobody yet.
kill_victim() {
    if [ "$1" = mapscope ]; then
        kill -9 "$recorder" 2>/dev/null
        return
    fi
    victim=$(process "$1") && kill -9 "$victim" 2>/dev/null
}

# The statuses that the program may end with: killed, it was 137; else its own.
expect_status() {
    case $1 in
    mapscope | emit_all_unlink) [ "$status" = 137 ] ;;
    *) [ "$status" = 0 ] || [ "$status" = 125 ] ;; # 125: killed before the program began
    esac || fail "$round: exit status $status: $(cat stderr)"
}

# Within 20 s, with 0 or with a reason.
expect_converts() {
    [ -e out/capture.json ] || return 0
    code=0
    timeout --kill-after=1 20 "$mapscope" convert out >convert 2>&1 || code=$?
    [ "$code" -le 1 ] || fail "$round: convert ends with $code: $(tail -n 3 convert)"
    [ "$code" = 0 ] || grep -q '^mapscope: ' convert || fail "$round: no reason: $(cat convert)"
    outcomes="$outcomes $code"
}

one_round() {
    rm -rf out go
    mkfifo -m 600 commands.fifo
    busy >commands.fifo &
    feeder=$!
    # shellcheck disable=SC2086 # a list of words
    $as_whom "$mapscope" record -o out --buffer 64K -- "$program" <commands.fifo >/dev/null 2>stderr &
    recorder=$!
    sleep "$(printf '0.%03d' "$2")"
    eventually kill_victim "$1" # who has not begun yet is waited for
    sleep 0.05
    touch go
    status=0
    eventually recorder_has_ended
    wait "$recorder" 2>/dev/null || status=$?
    wait "$feeder" 2>/dev/null || true
    expect_status "$1"
    eventually_nothing_left
    expect_converts
    rm -f commands.fifo
}

random_kills() {
    echo "seed $seed"
    victims "$1" "$seed" >victims
    outcomes= number=0 killed=
    while read -r who after_ms <&3; do
        number=$((number + 1))
        round="round $number of seed $seed: $who after $after_ms ms"
        one_round "$who" "$after_ms"
        killed="$killed $who"
    done 3<victims
    [ "$number" = "$1" ] || fail "only $number rounds"
    echo "killed:$(echo "$killed" | tr ' ' '\n' | sort | uniq -c | awk 'NF == 2 { printf " %s %d", $2, $1 }')"
    echo "converted $(echo "$outcomes" | tr ' ' '\n' | grep -c 0), held nothing $(echo "$outcomes" | tr ' ' '\n' | grep -c 1)"
}

# root has its daemon in a namespace of its own, of which the kernel takes away what is forgotten.
test_random_kills() { random_kills "$((rounds * 6 / 10))"; }

# For others, folder and sockets are to be removed.
test_a_plain_user_and_random_kills() { random_kills "$((rounds - rounds * 6 / 10))"; }

run_tests
