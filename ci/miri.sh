#!/usr/bin/env bash
# The cellar, and whole pools, in Miri: under each of its models of borrowing, each
# on many schedules, with strict provenance and a check for leaks.
#
#   ci/miri.sh                 64 schedules of the cellar, and 8 of whole pools and of the
#                              real deques; takes an hour or more
#   ci/miri.sh quick           two schedules under one model, and no real deques
#   ci/miri.sh all packet      of those tests, the ones whose names say packet
#
# MIRI_SEEDS=64..128 and MIRI_POOL_SEEDS=8..16 are for other schedules than those, so that
# a long run can be had in pieces.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! { cargo +nightly miri --version && cargo +nightly miri setup; } >/dev/null 2>&1 &&
    ! { rustup component add --toolchain nightly miri rust-src && cargo +nightly miri setup; }; then
    # No reason to stop: what else is to be run does not need it.
    echo "NOT RUN: Miri needs a nightly toolchain with the components miri and rust-src" >&2
    exit 0
fi

part="${1:-all}"
[[ $# -eq 0 ]] || shift
target="${CARGO_TARGET_DIR:-target}"
# libtest runs what any of its filters finds.
names=("$@")
((${#names[@]})) || names=(raw::tests::)

# Some seeds, the flags, and what to test.
try() {
    local seeds="-Zmiri-many-seeds=$1" flags="$2"
    shift 2
    echo "== Miri $seeds $flags: $*"
    MIRIFLAGS="$seeds -Zmiri-many-seeds-keep-going $flags" cargo +nightly miri test "$@"
}

# What has no `unsafe` and no threads is left to the other tests.
cellar() {
    try "$1" "-Zmiri-strict-provenance $2" --lib -- "${names[@]}"
}
pools() {
    try "$1" "-Zmiri-strict-provenance $2" --test miri -- "${@:3}"
}

case "$part" in
quick)
    cellar "${MIRI_SEEDS:-0..2}" "-Zmiri-tree-borrows"
    pools "${MIRI_POOL_SEEDS:-0..1}" "-Zmiri-tree-borrows" "$@"
    ;;
all)
    fewer="${MIRI_POOL_SEEDS:-0..8}"
    for borrows in "" "-Zmiri-tree-borrows"; do
        cellar "${MIRI_SEEDS:-0..64}" "$borrows"
        pools "$fewer" "$borrows" "$@"
        # Only the crate itself can stand in for the files of a quota.
        (($#)) || try 0..1 "-Zmiri-strict-provenance $borrows" --lib -- pool::quota::
    done
    # So far a model has stood in for the deques (`src/sync/model.rs`). Now the
    # real ones, as far as they go: crossbeam-epoch keeps tags in its pointers
    # and garbage until the end, and breaks the rules of Stacked Borrows.
    export CARGO_TARGET_DIR="$target/real-deque" RUSTFLAGS="--cfg real_deque"
    real="-Zmiri-tree-borrows -Zmiri-permissive-provenance -Zmiri-ignore-leaks"
    try "$fewer" "$real" --lib -- "${names[@]}"
    try "$fewer" "$real" --test miri -- "$@"
    ;;
*)
    echo "ci/miri.sh: there is no part $part; quick or all" >&2
    exit 2
    ;;
esac
