#!/usr/bin/env bash
# Installs the real programs that judge tsbuild's output, on Debian 12 as root. Safe to run again: does what is missing.
#
#   test/judges/install.sh
#
# Debian's stable suite has all of them but Apptainer, which its unstable suite carries. That one gets a tree of its own
# under /var/tmp/tsbuild-judges (JUDGE_ROOT names another place); test/judges/apptainer runs it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=${JUDGE_ROOT:-/var/tmp/tsbuild-judges/apptainer-root}
packages=(
  # readers and writers of the formats
  squashfs-tools squashfs-tools-ng squashfuse siftool skopeo umoci docker-registry buildah
  tar libarchive-tools gzip bzip2 xz-utils zstd gnupg openssl binutils binutils-aarch64-linux-gnu qemu-user tmux
  # programs to be found by what they need, and a reader of TOML
  gcc libc6-dev musl-tools python3
  # namespaces, owners and attributes
  uidmap bubblewrap proot fakeroot iproute2 fuse3 fuse-overlayfs mount util-linux attr libcap2-bin procps
  # what programs of images are made with, and read by
  gcc libc6-dev musl-tools python3
  # other machines, and the file system that they share
  user-mode-linux kmod nfs-kernel-server nfs-common rpcbind netbase
  # package managers that make root file systems, and what makes repositories for them
  dnf rpm createrepo-c zypper pacman-package-manager arch-install-scripts
  # what images and trees are made from
  busybox-static debootstrap debian-archive-keyring ca-certificates git
)

if [[ $(id -u) != 0 ]]; then
  echo "install.sh: needs root" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $state == installed ]] || missing+=("$package")
done

if ((${#missing[@]} > 0)); then
  echo "installing ${missing[*]}"
  # No service starts: the tests start what they need, on ports of their own.
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get update --quiet=2
  apt-get install --quiet=2 --yes --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" </dev/null >/dev/null
fi

# What udev does on an ordinary machine: squashfuse and Apptainer mount images for plain users.
[[ -e /dev/fuse ]] || mknod /dev/fuse c 10 229
chmod 666 /dev/fuse
# Networks with other machines.
[[ -e /dev/net/tun ]] || { mkdir -p /dev/net && mknod /dev/net/tun c 10 200; }

if [[ ! -e $tree/.complete ]]; then
  mirror=$("$here/mirror.sh")
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  [[ -z ${proxy:-} ]] || export http_proxy=$proxy
  echo "making a tree with Apptainer in $tree"
  mkdir -p "$(dirname "$tree")"
  rm -rf --one-file-system "$tree"
  log=$(mktemp)
  if ! debootstrap --variant=minbase \
    --include=apptainer,ca-certificates,squashfuse,fuse-overlayfs,e2fsprogs unstable "$tree" "$mirror" >"$log" 2>&1; then
    tail -n 30 "$log" "$tree/debootstrap/debootstrap.log" >&2 || true
    exit 1
  fi
  rm -rf "$log" "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,man,locale}
  # Places for what test/judges/apptainer binds.
  for file in passwd group resolv.conf hosts subuid subgid; do
    [[ ! -L $tree/etc/$file ]] || rm "$tree/etc/$file"
    [[ -e $tree/etc/$file ]] || : >"$tree/etc/$file"
  done
  touch "$tree/.complete"
fi

"$here/apptainer" --version
