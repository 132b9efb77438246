#!/usr/bin/env bash
# The tests under ThreadSanitizer and AddressSanitizer, with a standard library
# that is instrumented too.
#
#   ci/san.sh                    both
#   ci/san.sh thread join::      one of them, on the tests whose names say join::
#   ci/san.sh quick              ThreadSanitizer on the unit tests: the cellar and the queues
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

host="$(rustc +nightly -vV 2>/dev/null | sed -n 's/^host: //p' || true)"
if [[ -z "$host" ]] ||
    { [[ ! -e "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ]] &&
        ! rustup component add --toolchain nightly rust-src; }; then
    # No reason to stop: what else is to be run does not need it.
    echo "NOT RUN: the sanitizers need a nightly toolchain with the component rust-src" >&2
    exit 0
fi
target="${CARGO_TARGET_DIR:-target}"

# Not those that count allocations or read files of the repository; nor tests/faults,
# since no sanitizer bears threads after a fork, or a process that is short of memory;
# nor, below, what asks how much memory things take: a sanitizer takes its own.
binaries=(--lib)
for name in it miri stress; do
    if [[ -e "tests/$name.rs" || -e "tests/$name/main.rs" ]]; then
        binaries+=(--test "$name")
    fi
done

sanitize() {
    local name="$1"
    shift
    # A task in memory of its own, where the address sanitizer sees its end. It keeps locals
    # elsewhere than on the stack, so nobody can tell how much of that is left.
    local apart="" no_stack=()
    if [[ "$name" == address ]]; then
        apart="--cfg apart"
        no_stack=(--skip wait_for_another_pool --skip spawn_the_next --skip wake_each_other --skip without_room \
            --skip whoever_took_a_half --skip take_from_each_other)
    fi
    echo "== $name sanitizer: ${binaries[*]}"
    RUSTFLAGS="-Zsanitizer=$name $apart" CARGO_TARGET_DIR="$target/$name-sanitizer" \
        cargo +nightly test -Zbuild-std --target "$host" "${binaries[@]}" -- \
        --skip takes_little_memory --skip take_no_memory --skip that_are_done_are_gone \
        --skip keeps_nothing_of_tasks --skip are_gone_leave_nothing_behind \
        "${no_stack[@]}" "$@"
}

# Instrumented frames are large, and ThreadSanitizer takes an overflow of the stack
# for a race.
export RUST_MIN_STACK="${RUST_MIN_STACK:-67108864}"
# Some tests take a minute with one.
export HEIST_TEST_MINUTES="${HEIST_TEST_MINUTES:-5}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1 suppressions=$PWD/ci/tsan.supp}"
# Some tests forget handles and leak pools, to see that nothing comes of it; whether we
# leak is Miri's to say.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=1 detect_leaks=0}"
case "${1:-both}" in
both)
    status=0
    sanitize thread || status=1
    sanitize address || status=1
    exit "$status"
    ;;
thread | address) sanitize "$@" ;;
quick)
    binaries=(--lib)
    sanitize thread
    ;;
*)
    echo "ci/san.sh: there is no $1 sanitizer here; thread, address or quick" >&2
    exit 2
    ;;
esac
