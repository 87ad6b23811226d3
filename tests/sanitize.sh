#!/usr/bin/env bash
# Runs the tests of the crates that have unsafe code under a sanitizer of the compiler's.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
usage: tests/sanitize.sh address|thread

  address   the tests of graph-core and graph-ops: reads and writes outside of what was allocated, uses of freed memory,
            leaks
  thread    the tests of the team of threads and of row programs: races

The toolchain is the installed one, which knows sanitizers but offers them to nightly builds only: RUSTC_BOOTSTRAP=1 says
that this is meant. The standard library is not instrumented.
TEXT
}

case "${1:-}" in
  address) tests=(-p graph-core -p graph-ops --lib --tests) filters=(--skip allocations) ;;
  thread) tests=(-p graph-core -p graph-ops --lib --tests) filters=(team threads row_programs) ;;
  -h | --help) usage && exit ;;
  *) usage >&2 && exit 2 ;;
esac

host="$(rustc -vV | sed -n 's/^host: //p')"
export RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=$1" TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1}"
# An explicit target keeps build scripts and macros out of it.
cargo test "${tests[@]}" --target "$host" --target-dir "target/sanitize-$1" -- "${filters[@]}"
