#!/usr/bin/env bash
# Every benchmark with its contenders in turns: medians, and ratios with their
# spread. `ci/bench.sh fib` runs those whose name contains fib. What it
# measures it also writes to docs/plots/data, which `examples/plots` reads.
# Takes about an hour; wants an otherwise idle machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

uptime
rustc --version
HEIST_RATIOS="${HEIST_RATIOS:-$PWD/docs/plots/data}" cargo bench -- "$@"
