#!/usr/bin/env bash
# The models of ci/loom.sh, and larger ones, on schedules that shuttle draws at
# random: SHUTTLE_SCHEDULES (1000) of each kind for each model. A failure prints its
# schedule, and SHUTTLE_RANDOM_SEED runs it again. Arguments choose models by name.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export RUSTFLAGS="--cfg shuttle -C debug_assertions"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/shuttle"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
cargo test --release --lib -- --nocapture "${@:-loom_}" | tee "$log"
grep -oE '[0-9]+ executions' "$log" |
    awk -v seconds="$SECONDS" '{ all += $1 } END { print "shuttle: " all " executions, " seconds " s" }'
