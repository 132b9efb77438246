#!/usr/bin/env bash
# Every happens-before edge and every protocol that lives on them, explored by loom:
# each model on each schedule with up to so many preemptions, which the model says.
# A quick run takes about a minute; LOOM_FULL=1 goes deeper, for up to half an hour
# on two cores. LOOM_MAX_PREEMPTIONS takes the place of what the models say.
# Arguments choose models by name: `ci/loom.sh loom_permit loom_guests_scope`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export RUSTFLAGS="--cfg loom -C debug_assertions"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
cargo test --release --lib -- --nocapture "${@:-loom_}" | tee "$log"
# Each model counts its own; this adds them up.
grep -oE '[0-9]+ executions' "$log" |
    awk -v seconds="$SECONDS" '{ all += $1 } END { print "loom: " all " executions, " seconds " s" }'
