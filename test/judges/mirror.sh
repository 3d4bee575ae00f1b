#!/usr/bin/env bash
# Prints the address of the Debian mirror that this machine's apt takes bookworm from. Needs root where apt has no lists.
set -euo pipefail

find_mirror() {
  # Only the main archive has both a release name of its own and this component; updates and security end in a suffix.
  apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 'Component: main' |
    sed -n 's/^bookworm //p' | head -n 1
}

mirror=$(find_mirror)
if [[ -z $mirror ]]; then
  apt-get update --quiet=2 >&2
  mirror=$(find_mirror)
fi
if [[ -z $mirror ]]; then
  echo "mirror.sh: apt has no source for bookworm" >&2
  exit 1
fi
printf '%s\n' "$mirror"
