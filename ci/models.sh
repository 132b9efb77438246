#!/usr/bin/env bash
# The models under one checker: `ci/models.sh loom` or `ci/models.sh shuttle`, with the
# names of models, or for all. ci/loom.sh and ci/shuttle.sh say what each can be told.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

checker="$1"
shift
export RUSTFLAGS="--cfg $checker -C debug_assertions"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/$checker"
if [[ -n "${LOOM_SECONDS:-}" ]]; then
    export LOOM_UNTIL="$(($(date +%s) + LOOM_SECONDS))"
fi
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
cargo test --release --lib -- --nocapture "${@:-loom_}" | tee "$log"
# Each model counts its own; this adds them up.
grep -oE '[0-9]+ executions' "$log" |
    awk -v checker="$checker" -v seconds="$SECONDS" \
        '{ all += $1 } END { print checker ": " all " executions, " seconds " s" }'
