#!/bin/sh
# Builds one definition twice, a second apart, under different umasks, time zones and folders for temporary files, and
# compares. Leaves first.sif here.
set -eu
cd "$(dirname "$0")"
tsbuild=${TSBUILD:-tsbuild}
SOURCE_DATE_EPOCH=1700000000
export SOURCE_DATE_EPOCH

other=$(mktemp -d)
trap 'rm -rf "$other"' EXIT
(umask 022 && TZ=UTC $tsbuild build --force first.sif same.def)
sleep 1
touch data.txt
(umask 077 && TZ=Asia/Tokyo $tsbuild build --force --tmpdir "$other" "$other/second.sif" same.def)
cmp first.sif "$other/second.sif"
echo "the same"
