#!/usr/bin/env bash
# The tests under ThreadSanitizer and AddressSanitizer, with a standard library
# that is instrumented too. Arguments go to the test binaries.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

host="$(rustc +nightly -vV 2>/dev/null | sed -n 's/^host: //p' || true)"
if [[ -z "$host" ]] || ! rustup component add --toolchain nightly rust-src; then
    echo "NOT RUN: the sanitizers need a nightly toolchain with the component rust-src" >&2
    exit 1
fi
target="${CARGO_TARGET_DIR:-target}"

sanitize() {
    local name="$1"
    shift
    echo "== $name sanitizer"
    RUSTFLAGS="-Zsanitizer=$name" CARGO_TARGET_DIR="$target/$name-sanitizer" \
        cargo +nightly test -Zbuild-std --target "$host" --lib --test it -- "$@"
}

# Instrumented frames are large, and ThreadSanitizer takes an overflow of the stack
# for a race.
export RUST_MIN_STACK="${RUST_MIN_STACK:-67108864}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1 suppressions=$PWD/ci/tsan.supp}"
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=1}"
sanitize thread "$@"
sanitize address "$@"
