#!/usr/bin/env bash
# Instructions a join, counted by valgrind: the difference between fib(20) and
# fib(15) on one worker, divided by the joins between them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v valgrind >/dev/null || { echo "valgrind is not installed" >&2; exit 1; }
bench="$(cargo bench --bench fib --no-run 2>&1 | sed -n 's/.*(\(.*\)).*/\1/p' | tail -n 1)"

# The last count is the benchmark's; one before it is of a child that criterion starts.
count() {
    local said
    said="$(FIB="$2" valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$bench" --bench --test --exact "fib/1 workers/$1" 2>&1)" || {
        echo "$said" >&2
        return 1
    }
    sed -n 's/.*Collected : //p' <<<"$said" | tail -n 1
}

# fib(n) makes fib(n + 1) - 1 joins.
joins=$((10946 - 1 - (987 - 1)))
for contender in serial heist rayon chili; do
    more="$(count "$contender" 20)"
    fewer="$(count "$contender" 15)"
    echo "$contender: $(((more - fewer) / joins)) instructions a join"
done
