#!/usr/bin/env bash
# What `#[graph_fn]` adds to a build: a function of 300 lines with ten constructs nested in each other, built with the
# attribute and without it, in turn. The minimum of several builds counts. Arguments are passed on to the compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=5

# Ten nested constructs, with 270 lines in the innermost. `truth` is what makes both versions of it compile: a tensor
# with the attribute, a bool without.
function_text() {
  echo "fn long(a: &Tensor, b: &Tensor) -> Tensor {"
  echo "let (mut x, mut y, mut z) = (a.clone(), b.clone(), a + b);"
  for i in $(seq 1 5); do
    echo "while truth(x.lt($i)) {"
    echo "if truth(y.gt($i)) {"
  done
  for i in $(seq 1 270); do echo "z = &z + &x * $i;"; done
  for _ in $(seq 1 5); do
    echo "x = &x + 1;"
    echo "y = &y - 1; } else {"
    echo "y = &y + 1; }"
    echo "x = &x + &y; }"
  done
  echo "x + y + z }"
}

write_example() {
  local attribute="$1" truth="$2"
  echo "//! Written by benches/compile_time.sh."
  echo "use grafito::prelude::*;"
  echo "$truth"
  echo "$attribute"
  function_text
  echo "fn main() { println!(\"{}\", long(&Tensor::scalar(0), &Tensor::scalar(1))); }"
}

files=(examples/compile_time_with.rs examples/compile_time_without.rs)
trap 'rm -f "${files[@]}"' EXIT
write_example "#[graph_fn]" "fn truth(c: Tensor) -> Tensor { c }" > "${files[0]}"
write_example "" "fn truth(c: Tensor) -> bool { c.item() }" > "${files[1]}"

# Builds one example anew, and says how many milliseconds that took.
build() {
  local example="$1"
  touch "examples/compile_time_$example.rs"
  local start
  start=$(date +%s%N)
  cargo rustc --quiet --example "compile_time_$example" -- "${@:2}"
  echo $((($(date +%s%N) - start) / 1000000))
}

declare -A best
for example in with without; do best[$example]=$(build "$example" "$@"); done # The first also builds the library.
for _ in $(seq "$runs"); do
  for example in with without; do
    took=$(build "$example" "$@")
    if ((took < best[$example])); then best[$example]=$took; fi
  done
done
echo "with #[graph_fn]: ${best[with]} ms; without: ${best[without]} ms; added: $((best[with] - best[without])) ms"
echo "($(function_text | wc -l) lines, ten nested constructs; the fastest of $runs builds of each)"
