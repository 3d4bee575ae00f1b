#!/bin/sh
# Builds a sandbox, changes it in both ways, packs it and shows what came of it. Leaves box/ and box.sif here.
set -eu
cd "$(dirname "$0")"
tsbuild=${TSBUILD:-tsbuild}

$tsbuild build --force --sandbox box base.def
# From outside: the sandbox is a folder like any other.
echo "changed from outside" >> box/message.txt
# From within: a definition's scripts run in it, and its sections are added.
$tsbuild build --update --sandbox box change.def
# And packed. The SIF file is what you keep and pass on.
$tsbuild build --force box.sif box
$tsbuild inspect --labels box.sif | grep '^Changed'
cat box/message.txt
