import { cLibrary } from "../system/c-library.ts";

/** Two connected sockets; undefined where the system has none left. Closing them is the caller's. */
export function socketPair(): { readonly ours: number; readonly theirs: number } | undefined {
  const { libc } = cLibrary();
  const socketpair = libc.func("socketpair", "int", ["int", "int", "int", "void *"]);
  const pair = new Int32Array(2);
  const stream = 1;
  const unix = 1;
  const closeOnExec = 0o2_000_000;
  if (socketpair(unix, stream | closeOnExec, 0, pair) !== 0) return undefined;
  const [ours = -1, theirs = -1] = pair;
  return { ours, theirs };
}
