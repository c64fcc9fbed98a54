#!/bin/sh
# Fails on a link of a document that leads nowhere, on a file of ours that it names and that is not there, and on a
# folder of src that docs/architecture.md does not name. usage: check_docs.sh SOURCE_DIR
set -eu
cd "$1"
status=0

complain() {
    printf '%s: %s\n' "$1" "$2" >&2
    status=1
}

# exists PATTERN...: the files of each pattern are there.
exists() {
    for path in "$@"; do
        [ -e "$path" ] || return 1
    done
}

# is_ours NAME: below the top, src (docs/architecture.md) or tests (docs/limits.md, docs/sampling.md).
is_ours() {
    for path in "$1" "$1.c" "$1.sh" "src/$1" "tests/$1" "tests/$1.c" "tests/$1.sh"; do
        # shellcheck disable=SC2086 # a pattern, perhaps
        ! exists $path || return 0
    done
    return 1
}

for document in README.md CHANGELOG.md docs/*.md; do
    folder=$(dirname "$document")
    for target in $(grep -oE '\]\([^)#]+' "$document" | cut -c3- | grep -v '^http'); do
        [ -e "$folder/$target" ] || complain "$document" "no such file: $target"
    done
    for anchor in $(grep -oE '\]\([^)]*\.md#[^)]+|\]\(#[^)]+' "$document" | cut -c3-); do
        page=${anchor%%#*}
        grep -E '^#+ ' "${page:+$folder/}${page:-$document}" | tr '[:upper:] ' '[:lower:]-' | tr -dc 'a-z0-9\n_-' |
            sed 's/^-//; s/^-//' | grep -qx -- "${anchor#*#}" || complain "$document" "no such heading: $anchor"
    done
    for name in $(grep -oE '`(src|tests|docs|bench|examples|exporters|cmake|man|proto|base|runtime|preload|tracepoints|support|model|collector|cli|e2e|install)/[A-Za-z0-9_./*-]+`' "$document" | tr -d '`'); do
        is_ours "${name%/}" || complain "$document" "no such file: $name"
    done
done

for folder in src/*/ src/collector/*/ exporters/*/; do
    name=${folder#src/}
    name=${name%/}
    grep -qF "${name##*/}" docs/architecture.md || complain docs/architecture.md "does not name $folder"
done
exit $status
