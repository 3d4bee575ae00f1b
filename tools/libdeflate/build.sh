#!/usr/bin/env bash
# Makes libdeflate.wasm of libdeflate's sources:
#
#   tools/libdeflate/build.sh FOLDER      the sources of release 1.25, unpacked
#
# Needs clang, lld and clang's WebAssembly target (Debian: clang-14 lld). It is done by hand, once for each release of
# libdeflate, and the result is kept: who installs tsbuild needs no compiler. What comes out compresses to the same bytes
# as the package `libdeflate` on npm, which test/squashfs/libdeflate.test.ts holds it against; it is a fifth faster, for
# it compares 8 bytes at a time (WebAssembly has 64-bit numbers, though its addresses are 32-bit ones, which is what
# libdeflate goes by) and has vector instructions.
set -euo pipefail

source=$1
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cp -r "$source"/. "$work"
sed -i 's/^typedef size_t machine_word_t;/typedef u64 machine_word_t;/' "$work/common_defs.h"
grep -q '^typedef u64 machine_word_t;' "$work/common_defs.h"
cp "$here/shim.c" "$work/lib"
cd "$work/lib"
"${CC:-clang-14}" -c --target=wasm32 -O3 -msimd128 -mbulk-memory -ffreestanding -DFREESTANDING -I.. \
  shim.c adler32.c deflate_compress.c utils.c zlib_compress.c
"${LD:-wasm-ld-14}" --no-entry --strip-all -O2 -z stack-size=262144 \
  --export=input --export=output --export=compress \
  -o "$here/libdeflate.wasm" ./*.o
chmod 644 "$here/libdeflate.wasm"
cp "$work/COPYING" "$here/LICENSE.txt"
