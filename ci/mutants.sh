#!/usr/bin/env bash
# Seeded bugs: each patch in ci/mutants is a bug that pools had or could have, and names
# the check that turns red. Each is built in a copy of the tree, where the check
# has to be green without it and red with it. Arguments choose by number or name:
# `ci/mutants.sh 07 packet`. All take an hour on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)/mutants"
tree="$target/tree"
log="$target/log"
# Or those that ci/orderings.sh has written.
patches="${MUTANTS:-$PWD/ci/mutants}"
# Always the same place, and only what a patch touches is built anew.
export CARGO_TARGET_DIR="$target/build" CARGO_INCREMENTAL=1
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_DEBUG=0
# A check that hangs is red after so many seconds.
limit="${MUTANT_SECONDS:-150}"

chosen=()
for patch in "$patches"/*.patch; do
    name="$(basename "$patch" .patch)"
    wanted=$(($# == 0))
    for argument in "$@"; do
        [[ "$name" == *"$argument"* ]] && wanted=1
    done
    ((wanted)) && chosen+=("$name")
done
((${#chosen[@]})) || { echo "no such patch: $*" >&2; exit 1; }

# With times of now: a build of a mutant must not pass for one of this.
rm -rf "$tree"
mkdir -p "$tree"
git ls-files -z | tar --create --null --files-from=- | tar --extract --touch --directory="$tree"
cd "$tree"

check_of() { sed -n 's/^check: //p' "$patches/$1.patch"; }

# Not as part of the repository around it, whose paths would be others.
apply() { GIT_CEILING_DIRECTORIES="$target" git apply "${@:2}" "$patches/$1.patch"; }

# What came of a check: green, red, or hung; or broken, if not even a test started.
came=
run() {
    local status=0
    # In the background, so that whoever stops this stops that too.
    # shellcheck disable=SC2086 # a command with its arguments
    timeout --kill-after=5 "$1" $2 >"$log" 2>&1 </dev/null &
    running=$!
    wait "$running" || status=$?
    if ! grep -qE '^running [1-9]' "$log"; then
        came=broken
    elif ((status == 0)); then
        came=green
    elif ((status == 124 || status == 137)); then
        came=hung
    else
        came=red
    fi
}
running=
trap '[[ -z "$running" ]] || kill "$running" 2>/dev/null || true' EXIT
trap 'exit 1' INT TERM

declare -A sound
for name in "${chosen[@]}"; do
    check="$(check_of "$name")"
    [[ -n "${sound[$check]:-}" ]] && continue
    sound[$check]=yes
    run 600 "$check"
    if [[ "$came" != green ]]; then
        tail -n 30 "$log" >&2
        echo "without a patch \`$check\` is $came" >&2
        exit 1
    fi
done

caught=0
row='%-36s %-6s %5s  %s\n'
# shellcheck disable=SC2059 # the same format for each row
printf "$row" bug check s "caught by"
for name in "${chosen[@]}"; do
    check="$(check_of "$name")"
    start=$SECONDS
    if apply "$name"; then
        run "$limit" "$check"
        apply "$name" --reverse
    else
        came=unfit
    fi
    # shellcheck disable=SC2059
    printf "$row" "$name" "$came" $((SECONDS - start)) "$check"
    case "$came" in
        red | hung) caught=$((caught + 1)) ;;
        broken) tail -n 30 "$log" >&2 ;;
    esac
done
echo "$caught of ${#chosen[@]} caught"
((caught == ${#chosen[@]}))
