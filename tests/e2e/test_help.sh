#!/bin/sh
# Each command says what it does: --help, its exit statuses there and in docs/operations.md, a man page, and a wrong
# option is refused with the documented status. usage: test_help.sh BUILD_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lttng_session.sh"
top=$here/../..
mapscope=$1/bin/mapscope

# The statuses in the row of a command, as `| convert | 2 | ...` has them.
documented() { sed -n "s/^| \`*$1\`* *| \([0-9]*\) *|.*/\1/p" "$top/docs/operations.md"; }

commands=$(deadline 10 "$mapscope" --help | sed -n 's/^  \([a-z][a-z]*\)  *.*/\1/p')
[ "$(echo "$commands" | wc -l)" -ge 4 ] || fail "no list of commands: $commands"
for command in $commands; do
    help=$(deadline 10 "$mapscope" "$command" --help) || fail "$command --help ends with $?"
    echo "$help" | grep -q "^usage: mapscope $command" || fail "$command --help has no usage: $help"
    echo "$help" | grep -q 'Exit status' || fail "$command --help tells no exit status"
    [ -s "$top/man/mapscope-$command.1" ] || fail "no man page of $command"
    status=0
    deadline 10 "$mapscope" "$command" --no-such-option >/dev/null 2>&1 || status=$?
    [ "$status" -ge 2 ] || fail "$command --no-such-option ends with $status"
    documented "$command" | grep -qx "$status" || fail "docs/operations.md: no exit status $status of $command"
done
status=0
said=$(deadline 10 "$mapscope" recrod 2>&1) || status=$?
[ "$status" = 2 ] || fail "an unknown command ends with $status"
echo "$said" | grep -q 'no such command: recrod$' || fail "an unknown command is not named: $said"
echo "$(echo "$commands" | wc -l) commands, 0 failed"
