#!/usr/bin/env bash
# The changes that cargo-mutants (`cargo install cargo-mutants`) would make to the library,
# one after the other: is there a test that notices? `ci/changes` builds the tree once with
# all of them, each behind a switch, and then runs, for each, the tests that come by it.
#
#   ci/changes.sh                                  every file; an hour or more on two cores
#   ci/changes.sh src/strands.rs src/sleep/mod.rs
#   CHANGES_TESTS=--lib ci/changes.sh src/turns.rs with the unit tests alone: soon built
#
# A change is given up after CHANGES_SECONDS (10) of tests that have not noticed it. What
# came of each is in the target directory, in changes/results.tsv, and is not tried again.
#
# What is missed is not always a fault: hints and times change how fast a pool is and not
# what it does, and orderings are for the models (`ci/orderings.sh`).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! cargo mutants --version >/dev/null 2>&1; then
    echo "NOT RUN: cargo-mutants is needed, see \`cargo install cargo-mutants\`" >&2
    exit 1
fi

target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)/changes"
cargo build --quiet --release --manifest-path ci/changes/Cargo.toml --target-dir "$target/tool"
rm -rf "$target/tree"
mkdir -p "$target/tree"
git ls-files -z | tar --create --null --files-from=- | tar --extract --touch --directory="$target/tree"
CARGO_TARGET_DIR="$target/build" CARGO_INCREMENTAL=1 exec "$target/tool/release/changes" \
    "$target/tree" "$target/results.tsv" "$@"
