#!/usr/bin/env bash
# Checks the library with the oldest supported toolchain. Dev-dependencies may ask
# for a newer one, so it checks a copy of the package without them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

msrv="$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)"
copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
awk '/^\[/ { drop = /dev-dependencies/ || /^\[\[(bench|test|example)\]\]/ } !drop' \
    Cargo.toml >"$copy/Cargo.toml"
cp -R src README.md "$copy"
cd "$copy"

if cargo "+$msrv" --version >/dev/null 2>&1; then
    cargo "+$msrv" check --lib
    echo "checked with Rust $msrv"
else
    cargo check --lib
    echo "NOT RUN: Rust $msrv is not installed; checked without dev-dependencies by" \
        "$(cargo --version) instead" >&2
fi
