#!/usr/bin/env bash
# The unit tests in Miri, on many schedules, under both models of borrowing.
# MIRI_SEEDS says how many schedules; arguments go to the test binary.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! cargo +nightly miri --version >/dev/null 2>&1 &&
    ! rustup component add --toolchain nightly miri rust-src; then
    echo "NOT RUN: Miri needs a nightly toolchain with the components miri and rust-src" >&2
    exit 1
fi

# Under Miri the deques are a model of ours (`src/sync/model.rs`): the slots of the
# real ones are copied while they may be written, which Miri rightly reports.
seeds="-Zmiri-many-seeds=0..${MIRI_SEEDS:-16} -Zmiri-many-seeds-keep-going"
for borrows in "" "-Zmiri-tree-borrows"; do
    echo "== Miri $seeds $borrows"
    MIRIFLAGS="$seeds $borrows" cargo +nightly miri test --lib -- "$@"
done
