#!/usr/bin/env bash
# Every happens-before edge, explored by loom: each model on each schedule with up
# to LOOM_MAX_PREEMPTIONS preemptions. Arguments go to the test binary, so that
# `ci/loom.sh dekker` runs the models whose names say dekker.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export RUSTFLAGS="--cfg loom -C debug_assertions"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom"
export LOOM_MAX_PREEMPTIONS="${LOOM_MAX_PREEMPTIONS:-3}"
export LOOM_MAX_BRANCHES="${LOOM_MAX_BRANCHES:-100000}"
cargo test --release --lib loom_ -- "$@"
