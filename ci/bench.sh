#!/usr/bin/env bash
# Every benchmark with its contenders in turns: medians, and ratios with their
# spread. `ci/bench.sh fib` runs those whose name contains fib. What it
# measures it also writes to docs/plots/data, which `examples/plots` reads.
# Takes about ten minutes; wants an otherwise idle machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export HEIST_RATIOS="${HEIST_RATIOS:-$PWD/docs/plots/data}"
mkdir -p "$HEIST_RATIOS"
uptime
echo "$(nproc) CPUs, $(uname -sm), rustc $(rustc --version | cut -d ' ' -f 2), $(date +%F)" |
    tee "$HEIST_RATIOS/machine.txt"
cargo tree --edges dev --depth 1 --prefix none | grep -E '^(rayon|chili|tokio|async-task|criterion) '
cargo bench -- "$@"
