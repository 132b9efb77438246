#!/usr/bin/env bash
# One small change after the other to files of the library, made by cargo-mutants (`cargo
# install cargo-mutants`), each in a copy of the tree with the unit tests:
#
#   ci/changes.sh src/strands.rs src/sleep/mod.rs
#
# Or with those of the whole pool whose names say one of these; each takes longer to build:
#
#   CHANGES_TESTS="bulkhead keyed" ci/changes.sh src/turnstile.rs
#
# What no test has noticed is listed as missed. Not all of that is a fault: hints and
# times change how fast a pool is and not what it does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

(($#)) || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
if ! cargo mutants --version >/dev/null 2>&1; then
    echo "NOT RUN: cargo-mutants is needed, see \`cargo install cargo-mutants\`" >&2
    exit 1
fi

target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)/changes"
# Only what a change touches is built anew.
export CARGO_TARGET_DIR="$target/build" CARGO_INCREMENTAL=1 CARGO_PROFILE_DEV_DEBUG=0
export CARGO_PROFILE_DEV_CODEGEN_UNITS=256

rm -rf "$target/tree"
mkdir -p "$target/tree"
git ls-files -z | tar --create --null --files-from=- | tar --extract --touch --directory="$target/tree"

what=(-C=--lib)
# It takes a second, and says nothing that another does not.
names=(--skip a_million_keys)
if [[ -n "${CHANGES_TESTS:-}" ]]; then
    read -ra names <<<"$CHANGES_TESTS"
    what=(-C=--test -C=it)
fi

status=0
for file in "$@"; do
    # It says with its status whether some were missed or hung.
    cargo mutants --dir "$target/tree" --in-place --baseline skip --no-shuffle \
        --timeout "${CHANGES_SECONDS:-20}" --output "$target/$(basename "$file")" --file "$file" \
        "${what[@]}" -- -- "${names[@]}" || status=$?
done
exit "$status"
