#!/usr/bin/env bash
# The stress tests, all at once, with a random delay before each step of the pool's
# protocols (`src/sync/chaos.rs`): a third of the time on one CPU, the rest on all.
# CHAOS_SECONDS says how long that takes without the build (600 if unset), HEIST_SEED
# repeats the dice of another run. Arguments go to the test binary.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export RUSTFLAGS="--cfg chaos"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/chaos"
export HEIST_SEED="${HEIST_SEED:-$(date +%s%N)}"
seconds="${CHAOS_SECONDS:-600}"
scores="$(mktemp)"
trap 'rm -f "$scores"' EXIT

# Each test takes all the time there is, beside all the others.
stress() {
    local where="$1" time="$2"
    shift 2
    echo "== chaos for $time s on $where, HEIST_SEED=$HEIST_SEED"
    HEIST_STRESS_SECONDS="$time" "$@" --nocapture --test-threads 64 | tee -a "$scores"
}

# A quota that changes is a test of the crate's own: nobody else can stand in for its files. So is
# a wait that nobody ends. Not in a short run, since it has to be built.
((seconds < 60)) || cargo test --lib -- pool::quota sync::chaos
cargo test --test stress --no-run
one=$((seconds / 3))
if command -v taskset >/dev/null; then
    stress "one CPU" "$one" taskset -c 0 cargo test --test stress -- "$@"
else
    echo "NOT RUN on one CPU: taskset is not installed" >&2
fi
stress "$(nproc) CPUs" "$((seconds - one))" cargo test --test stress -- "$@"

# A line of a test: <name>: <n> rounds, <n> pools, <n> tasks in <n> s, seed <n>
sed -n 's/.* rounds, \([0-9]*\) pools, \([0-9]*\) tasks in .*/\1 \2/p' "$scores" |
    awk '{ pools += $1; tasks += $2 } END { print "chaos: " pools " pools lived, with " tasks " tasks" }'
