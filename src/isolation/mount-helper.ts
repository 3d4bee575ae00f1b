// What runs between `unshare` and a script: a shell script for the host's /bin/sh that mounts what the script is to
// find, with the host's own mount(8), and then starts it. It gets nothing but strings, and works for distroless images.
//
//   sh -c HELPER tsbuild ROOT OPERATION… -- COMMAND…
//
//   root writable|read-only|throw-away FOLDER   the root itself; FOLDER is where a throw-away one keeps its changes
//   proc, sys, dev                               the kernel's file systems
//   guard                                        keep a real root from changing the kernel's settings
//   bind SOURCE TARGET, robind SOURCE TARGET     files and folders of the host
//   tmpfs MODE TARGET
//   secret TARGET                                a file that only root reads, of the next line of file descriptor 5, in base64
//   lo PROGRAM ARGUMENT ARGUMENT ARGUMENT        the loopback device of a network of its own, which the program brings up
//                                                where ip and ifconfig are missing
//
// File descriptor 3 is told: `loopback` when there is none, `ready` when the command starts, `done` when it has ended. Then
// a line of file descriptor 5, or its end, is waited for: whoever measures looks at us meanwhile. The command has none of
// these descriptors.
//
// Odd details, each for a reason:
//
// - The root is moved over `/` and entered with chroot(1). pivot_root(1) would need an umount inside the image, and
//   without the move the kernel refuses user namespaces to programs inside (Chrome, bubblewrap, flatpak).
// - `mount -n`: without it, mount(8) fails on its own table after the move.
// - `--rbind` always: in a user namespace, a folder with mounts below can't be bound without them.
// - A read-only bind is not so for what is mounted below: each mount is turned by itself.
// - The command is run, not exec'ed: the first process of a pid namespace is not killed by signals that it does not
//   handle, so a script in its place could neither `kill $$` nor be ended.
// - The terminals' group 5 does not exist in a namespace with a single id: a second try without it.

/**
 * The end of it, and of other shells that run a command for us. At a terminal, Ctrl-C comes to the shell as well, and is for
 * the command alone: a trap, unlike an ignored signal, is not inherited.
 */
export const runTold = `
set +e
{ echo ready >&3; } 2> /dev/null
PATH=$IMAGE_PATH
trap : INT QUIT
"$@" 3>&- 4<&- 5<&-
STATUS=$?
{ echo done >&3 && read -r _ <&5; } 2> /dev/null
exit "$STATUS"
`.trim();

/** The script. */
export const mountHelper = `
set -eu
IMAGE_PATH=$PATH
PATH=\${TSBUILD_PATH:-$PATH}
unset TSBUILD_PATH
R=$1
shift

place() {
  if [ -e "$2" ]; then return 0; fi
  if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "\${2%/*}"; : > "$2"; fi
}
read_only() {
  MOUNTS=$(cat /proc/self/mountinfo)
  printf '%s\\n' "$MOUNTS" | while read -r _ _ _ _ AT _; do
    # Blanks and the like are written in octal there.
    case $AT in
    *\\\\*) AT=$(printf '%b' "$(printf '%s' "$AT" | sed 's/\\\\\\([0-7][0-7][0-7]\\)/\\\\0\\1/g')") ;;
    esac
    case $AT in
    "$1" | "$1"/*) mount -n -o remount,bind,ro "$AT" ;;
    esac
  done
}

ROOT=
while [ "$1" != -- ]; do
  case $1 in
  root)
    ROOT=$2
    if [ "$ROOT" = throw-away ]; then
      mkdir -p "$3"
      mount -n -t tmpfs -o mode=755 tsbuild "$3"
      mkdir "$3/upper" "$3/work"
      chmod "$(stat -c %a "$R")" "$3/upper"
      LAYERS=lowerdir=$R,upperdir=$3/upper,workdir=$3/work
      mount -n -t overlay -o "$LAYERS,userxattr" tsbuild "$R" 2> /dev/null ||
        mount -n -t overlay -o "$LAYERS" tsbuild "$R"
    else
      mount -n --rbind "$R" "$R"
    fi
    shift 3
    ;;
  proc)
    mount -n -t proc -o nosuid,nodev,noexec proc "$R/proc" 2> /dev/null || mount -n --rbind /proc "$R/proc"
    shift
    ;;
  guard)
    for P in /proc/sys /proc/sysrq-trigger /proc/irq /proc/bus; do
      if [ -e "$R$P" ]; then
        mount -n --bind "$R$P" "$R$P"
        mount -n -o remount,bind,ro "$R$P"
      fi
    done
    shift
    ;;
  sys)
    mount -n --rbind /sys "$R/sys"
    read_only "$R/sys" 2> /dev/null || :
    shift
    ;;
  dev)
    mount -n -t tmpfs -o mode=755,nosuid,noexec tsbuild "$R/dev"
    for N in null zero full random urandom tty; do
      if [ -e "/dev/$N" ]; then
        : > "$R/dev/$N"
        mount -n --bind "/dev/$N" "$R/dev/$N"
      fi
    done
    mkdir "$R/dev/pts" "$R/dev/shm" "$R/dev/mqueue"
    PTS=newinstance,nosuid,noexec,ptmxmode=0666,mode=620
    mount -n -t devpts -o "$PTS,gid=5" devpts "$R/dev/pts" 2> /dev/null ||
      mount -n -t devpts -o "$PTS" devpts "$R/dev/pts"
    ln -s pts/ptmx "$R/dev/ptmx"
    ln -s /proc/self/fd "$R/dev/fd"
    ln -s fd/0 "$R/dev/stdin"
    ln -s fd/1 "$R/dev/stdout"
    ln -s fd/2 "$R/dev/stderr"
    mount -n -t tmpfs -o mode=1777,nosuid,nodev shm "$R/dev/shm"
    mount -n -t mqueue -o nosuid,nodev,noexec mqueue "$R/dev/mqueue" 2> /dev/null || :
    shift
    ;;
  bind)
    place "$2" "$R$3"
    mount -n --rbind "$2" "$R$3"
    shift 3
    ;;
  robind)
    place "$2" "$R$3"
    mount -n --rbind "$2" "$R$3"
    read_only "$R$3"
    shift 3
    ;;
  tmpfs)
    mount -n -t tmpfs -o "mode=$2,nosuid,nodev" tsbuild "$R$3"
    shift 3
    ;;
  secret)
    read -r LINE <&5
    (umask 0377 && printf '%s' "$LINE" | base64 -d > "$R$2")
    LINE=
    shift 2
    ;;
  lo)
    ip link set lo up 2> /dev/null || ifconfig lo up 2> /dev/null ||
      "$2" "$3" "$4" "$5" > /dev/null 2>&1 || { echo loopback >&3; } 2> /dev/null || :
    shift 5
    ;;
  *)
    echo "unknown operation $1" >&2
    exit 125
    ;;
  esac
done
shift

if [ "$ROOT" = read-only ]; then mount -n -o remount,bind,ro "$R"; fi
cd "$R"
mount -n --move . /
umask 0002
${runTold}
`.trim();
