#!/usr/bin/env bash
# Makes the OCI images that the end-to-end tests build from: real ones, with real layers, by debootstrap, apt and umoci.
#
#   test/judges/images.sh [LAYOUT]
#
# The images are tags of one OCI layout, by default /var/tmp/tsbuild-judges/images. Each stands on the one before:
#
#   base     Debian 12, minimal
#   python   a layer with Python, NumPy and SciPy, and apt's lists left behind
#   mpi      a layer with a compiler, Open MPI and ping with a file capability; then one that deletes apt's lists and some
#            documentation, which makes whiteouts
#   odd      busybox and what is rare: devices, a fifo, set-id bits, big owners, xattrs, holes, odd names, an opaque folder
#
# LAYOUT/registry is the storage of a docker-registry that serves them as NAME:latest.
#
# Safe to run again: a layout that this text made already is left as it is. Needs root, and what install.sh installs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
layout=${1:-/var/tmp/tsbuild-judges/images}
stamp=$(sha256sum <"${BASH_SOURCE[0]}")

if [[ $(cat "$layout/.complete" 2>/dev/null || true) == "$stamp" ]]; then
  exit 0
fi

mirror=$("$here/mirror.sh")
mkdir -p "$(dirname "$layout")"
rm -rf --one-file-system "$layout"
work=$(mktemp -d -p "$(dirname "$layout")" images-work.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
SECONDS=0
say() { printf '%4d s  %s\n' "$SECONDS" "$1"; }

# Runs a shell script inside the tree, with mounts and processes that end with it.
inside() {
  unshare --mount --propagation private --pid --fork --kill-child -- bash -c '
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C \
      /bin/sh -euc "$2"
  ' inside "$work/bundle/rootfs" "$1" </dev/null >"$work/log" 2>&1 || {
    tail -n 40 "$work/log" >&2
    exit 1
  }
}

# Turns what changed in the bundle into a layer of the tag.
commit() {
  umoci repack --refresh-bundle --image "$layout:$1" "$work/bundle" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
  }
}

umoci init --layout "$layout"

say "base: debootstrap"
umoci new --image "$layout:base"
umoci unpack --image "$layout:base" "$work/bundle" 2>/dev/null
rm -rf "$work/bundle/rootfs"
debootstrap --variant=minbase bookworm "$work/bundle/rootfs" "$mirror" >"$work/log" 2>&1 || {
  tail -n 40 "$work/log" >&2
  exit 1
}
root=$work/bundle/rootfs
# As the images of registries have it: no device nodes, no downloaded packages, no lists.
find "$root/dev" -mindepth 1 -delete
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/log/bootstrap.log
# The mirror of a test machine may be frozen, with dates long past.
echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90frozen"
commit base
# (umoci takes the variables given as the whole list.)
path=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umoci config --image "$layout:base" --config.cmd bash --author tsbuild --config.env "$path"

say "python: apt-get install"
umoci tag --image "$layout:base" python
inside '
  apt-get update
  apt-get install --yes --no-install-recommends python3-numpy python3-scipy
  apt-get clean
  ln /usr/bin/python3.11 /usr/local/bin/python-again
'
say "python: layer"
commit python
umoci config --image "$layout:python" --clear=config.cmd \
  --config.entrypoint /usr/bin/python3 --config.cmd=-c --config.cmd 'import scipy; print(scipy.__version__)' \
  --config.env "$path" --config.env LANG=C.UTF-8 --config.env 'GREETING=say "$HOME" `twice`' --config.workingdir /srv/work --config.user nobody \
  --config.label org.opencontainers.image.title=python --config.label 'a label=with "quotes"' \
  --config.exposedports 8888/tcp --config.volume /data --config.stopsignal SIGINT

say "mpi: apt-get install"
umoci tag --image "$layout:python" mpi
inside '
  apt-get install --yes --no-install-recommends gcc libc6-dev libopenmpi-dev openmpi-bin iputils-ping libcap2-bin
  apt-get clean
  setcap cap_net_raw+ep /usr/bin/ping
  useradd --create-home --uid 1500 solver
  ln /usr/bin/mpirun /usr/local/bin/mpirun-again 2>/dev/null || ln /usr/bin/orterun /usr/local/bin/mpirun-again
'
say "mpi: layer"
commit mpi
inside 'rm -rf /var/lib/apt/lists/* /usr/share/doc/gcc* /usr/local/bin/python-again'
say "mpi: layer of whiteouts"
commit mpi
umoci config --image "$layout:mpi" --clear=config.entrypoint --clear=config.cmd --config.cmd mpirun --config.cmd=--version \
  --config.env "$path" --config.env OMPI_ALLOW_RUN_AS_ROOT=1 --config.env OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 --config.user solver
rm -rf --one-file-system "$work/bundle"

say "odd"
umoci new --image "$layout:odd"
umoci unpack --image "$layout:odd" "$work/bundle" 2>/dev/null
root=$work/bundle/rootfs
mkdir -p "$root"/{bin,etc,dev,srv/{gone,opaque,kept},opt}
cp /bin/busybox "$root/bin/busybox"
for name in sh ls cat env id; do ln -s busybox "$root/bin/$name"; done
for name in true false; do ln "$root/bin/busybox" "$root/bin/$name"; done
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
touch "$root"/srv/{gone,opaque,kept}/{one,two}
ln -s srv/kept "$root/through"
commit odd
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 660 "$root/dev/far" b 259 1048575
mkfifo -m 640 "$root/srv/fifo"
install -m 4755 /bin/busybox "$root/bin/su"
install -d -m 1777 "$root/tmp" && install -d -m 3770 -o 70000 -g 4000000000 "$root/opt/shared"
install -m 0 /dev/null "$root/opt/unreadable" && install -d -m 0 "$root/opt/closed" && touch "$root/opt/closed/inside"
echo attributes >"$root/opt/attributes"
setfattr -n user.note -v 'a value' "$root/opt/attributes"
setfattr -n user.binary -v 0x00ff0a00 "$root/opt/attributes"
setfattr -n trusted.note -v trusted "$root/opt"
cp /bin/busybox "$root/opt/capable" && setcap cap_net_bind_service,cap_sys_nice+eip "$root/opt/capable"
truncate -s 5M "$root/opt/holes" && printf end >>"$root/opt/holes"
head -c 131072 /dev/zero | tr '\0' x >"$root/opt/block"
head -c 131073 /dev/urandom >"$root/opt/block-and-one"
: >"$root/opt/empty"
: >"$root/opt/"$'latin-\xe9' && : >"$root/opt/"$'new\nline' && : >"$root/opt/ space 'and' \"quotes\" "
deep=$root/opt
for _ in 1 2 3 4 5 6; do deep=$deep/$(printf 'a-rather-long-name-%.0s' 1 2 3); done
mkdir -p "$deep" && : >"$deep/file" && ln -s "$(printf 'target/%.0s' {1..40})" "$deep/link"
touch -d '1969-12-31T00:00:00Z' "$root/opt/block" && touch -d '2038-02-01T00:00:00Z' "$root/opt/empty"
mkdir "$root/opt/many" && (cd "$root/opt/many" && seq -f 'entry-%05g' 1 3000 | xargs touch)
chown -h 1000:1001 "$root/through"
rm -rf "$root/srv/gone" && rm "$root/srv/kept/one"
commit odd
umoci config --image "$layout:odd" --config.entrypoint /bin/cat --config.cmd /srv/opaque/new --config.env EMPTY=
mkdir "$work/opaque" && echo new >"$work/opaque/new"
umoci insert --image "$layout:odd" --opaque "$work/opaque" /srv/opaque
umoci gc --layout "$layout"

say "into a registry"
cat >"$work/registry.yml" <<YAML
version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: "$layout/registry"}}
http: {addr: "127.0.0.1:0"}
YAML
docker-registry serve "$work/registry.yml" 2>"$work/registry.log" &
registry=$!
trap 'kill "$registry" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
address=
for _ in {1..100}; do
  address=$(sed -n 's/.*listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$work/registry.log")
  [[ -z $address ]] || break
  sleep 0.1
done
for image in base python mpi odd; do
  skopeo copy --quiet --dest-tls-verify=false "oci:$layout:$image" "docker://$address/$image:latest"
done
kill "$registry"
wait "$registry" || true

printf '%s' "$stamp" >"$layout/.complete"
say "done: $(du -sh "$layout" | cut -f1)"
