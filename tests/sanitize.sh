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
that this is meant. Builds go into folders of their own below target/.
TEXT
}

case "${1:-}" in
  address) flags="-Zsanitizer=address" filters=() ;;
  # The standard library is not instrumented, which does not matter for what is inlined from it, as atomics are.
  thread) flags="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" filters=(team threads row_programs tiles rows) ;;
  -h | --help) usage && exit ;;
  *) usage >&2 && exit 2 ;;
esac

# What rayon and the test harness synchronize by the standard library's locks and channels looks unsynchronized.
suppressions="$(mktemp)"
trap 'rm -f "$suppressions"' EXIT
printf 'race:%s\n' crossbeam_epoch crossbeam_deque rayon_core std::sync::mpmc test:: > "$suppressions"

host="$(rustc -vV | sed -n 's/^host: //p')"
export RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags" TSAN_OPTIONS="halt_on_error=1 suppressions=$suppressions"
# An explicit target keeps build scripts and macros out of it.
cargo test -p graph-core -p graph-ops --features graph-ops/jit --lib --tests --target "$host" --target-dir "target/sanitize-$1" -- "${filters[@]}"
