// A process that cannot clean up after itself when it is killed has somebody who does: a shell of its own session that
// waits for the end of a pipe, which comes when we end, however that happens. Over the pipe it is told what is to go
// then, and what needs not go any more:
//
//   +GNUMBER     a process group          +PFOLDER   processes in a root file system, or started for one
//   +CFOLDER     a control group          +DPATH     a folder with all below it, or a file
//   -…           the same no longer

import { spawn, type ChildProcess } from "node:child_process";
import { rootVariable } from "./processes-in-root.ts";

export type KeptKind = "group" | "processes" | "control-group" | "path";

const letters: Readonly<Record<KeptKind, string>> = {
  group: "G",
  processes: "P",
  "control-group": "C",
  path: "D",
};

const script = `
trap '' HUP INT TERM
while IFS= read -r LINE; do
  case $LINE in
  +*) set -- "\${LINE#+}" "$@" ;;
  -*)
    N=$#
    while [ "$N" -gt 0 ]; do
      [ "$1" = "\${LINE#-}" ] || set -- "$@" "$1"
      shift
      N=$((N - 1))
    done
    ;;
  esac
done
exec 0< /dev/null

in_root() {
  for P in /proc/[0-9]*; do
    if [ "$(readlink "$P/root")" = "$1" ] || tr '\\0' '\\n' < "$P/environ" | grep -qxF "${rootVariable}=$1"; then
      echo "\${P#/proc/}"
    fi
  done
}
is_mounted() {
  AT=$(printf '%s' "$1" | sed 's/\\\\/\\\\134/g; s/ /\\\\040/g; s/\t/\\\\011/g')
  grep -qF " $AT/" /proc/self/mountinfo
}
gone() {
  X=\${1#?}
  case $1 in
  G*) kill -KILL -- "-$X" ;;
  P*)
    FOUND=$(in_root "$X")
    if [ -n "$FOUND" ]; then kill -KILL $FOUND; return 1; fi
    ;;
  C*)
    echo 1 > "$X/cgroup.kill" || kill -KILL $(cat "$X/cgroup.procs")
    rmdir "$X"
    [ ! -e "$X" ]
    return
    ;;
  D*)
    if is_mounted "$X"; then return 1; fi
    rm -rf -- "$X" || { chmod -R u+rwX -- "$X"; rm -rf -- "$X"; }
    [ ! -e "$X" ] && [ ! -L "$X" ]
    return
    ;;
  esac
  return 0
}
for KEPT; do
  N=0
  until gone "$KEPT" 2> /dev/null || [ "$N" -ge 100 ]; do
    sleep 0.1
    N=$((N + 1))
  done
done
`.trim();

let keeper: ChildProcess | undefined;

/**
 * Has something taken away when this process ends without having done so itself, by SIGKILL too. Disposing says that it
 * is gone or may stay. Names with a line feed can't be told and are left.
 */
export function keepTidy(kind: KeptKind, name: string): Disposable {
  const line = letters[kind] + name;
  if (line.includes("\n")) return { [Symbol.dispose]: () => {} };
  tell(`+${line}`);
  return {
    [Symbol.dispose]: () => {
      tell(`-${line}`);
    },
  };
}

function tell(line: string): void {
  keeper ??= startKeeper();
  keeper.stdin?.write(`${line}\n`);
}

function startKeeper(): ChildProcess {
  const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/bin:/sbin:/bin`;
  const child = spawn("/bin/sh", ["-c", script, "tsbuild-keeper"], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    cwd: "/",
    env: { PATH: path, LC_ALL: "C" },
  });
  // A machine without a shell, or one that kills it, has no keeper: the next run finds what a killed one left.
  child.on("error", () => {});
  child.stdin?.on("error", () => {});
  child.unref();
  (child.stdin as { unref?: () => void } | null)?.unref?.();
  return child;
}
