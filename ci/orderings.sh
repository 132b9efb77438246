#!/usr/bin/env bash
# Every ordering on its own: each `Acquire`, `Release` and fence of the library is
# weakened or left out, and the models of the edge that its comment names have to turn
# red. Arguments choose by the file's name: `ci/orderings.sh counters permits`. All take
# about forty minutes on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Not in any model: what sees a fork(2) is compiled for a process of its own.
apart='DONE\.(load|store)'

patches="$(mkdir -p "${CARGO_TARGET_DIR:-target}/orderings" && cd "${CARGO_TARGET_DIR:-target}/orderings" && pwd)"
rm -f "$patches"/*.patch

# The models whose doc comments name one of these edges.
models_of() {
    grep -hE -A 4 "ORDERING\(($1)\)" src/loom_tests/*.rs | sed -n 's/^fn \(loom_[a-z0-9_]*\).*/\1/p' | sort -u | xargs
}

# The line of a file, its edge, and what stands there, for each ordering.
orderings_of() {
    awk -v apart="$apart" '
        # All edges that the comments above it name, or else the last one.
        {
            rest = $0
            while (match(rest, /ORDERING\([a-z]+\)/)) {
                if (done) { edge = ""; done = 0 }
                edge = (edge == "" ? "" : edge "|") substr(rest, RSTART + 9, RLENGTH - 10)
                rest = substr(rest, RSTART + RLENGTH)
            }
            if ($0 !~ /^ *\/\//) done = 1
        }
        /^ *mod tests/ { exit }
        $0 ~ apart { next }
        /fence\(Ordering::/ { print NR, edge, "fence"; next }
        /Ordering::AcqRel/ { print NR, edge, "AcqRel" }
        /Ordering::Acquire/ { print NR, edge, "Acquire" }
        /Ordering::Release/ { print NR, edge, "Release" }
    ' "$1"
}

# A patch that makes `$3` into `$4` in line `$2` of file `$1`, for the models of edge
# `$5`; called `$6`, or by what it does.
write() {
    local name
    name="$(tr / - <<<"${1#src/}")-$2-${6:-${3##*::}-as-${4##*::}}"
    {
        echo "Line $2 of $1: ${6:-${3##*::} as ${4##*::}}."
        echo "check: ci/loom.sh $(models_of "$5")"
        echo
        diff -u --label "a/$1" --label "b/$1" "$1" <(sed "$2s/$3/$4/" "$1") || true
    } >"$patches/$name.patch"
}

for file in $(git ls-files 'src/*.rs' | grep -vE '^src/(sync|loom_tests)/|/tests/'); do
    while read -r line edge what; do
        case "$what" in
        fence) write "$file" "$line" 'fence(Ordering::[A-Za-z]*)' '()' "$edge" left-out ;;
        AcqRel)
            write "$file" "$line" Ordering::AcqRel Ordering::Acquire "$edge"
            write "$file" "$line" Ordering::AcqRel Ordering::Release "$edge"
            ;;
        *) write "$file" "$line" "Ordering::$what" Ordering::Relaxed "$edge" ;;
        esac
    done < <(orderings_of "$file")
done
MUTANTS="$patches" exec bash ci/mutants.sh "$@"
