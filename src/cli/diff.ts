import { diffTrees, type TreeChange } from "../contents/diff-trees.ts";
import { displayName } from "../model/bytes-path.ts";
import type { Node } from "../model/node.ts";
import { openAnyImage } from "./open-any-image.ts";
import type { Terminal } from "./terminal.ts";

/** As diff(1) has it. */
const different = 1;

/**
 * `tsbuild diff A B`: in what two images differ: files, owners, modes, times, contents, and with them definition, labels
 * and environment, which are files too. Exits with 1 when they differ.
 */
export async function diffCommand(
  operands: readonly string[],
  flags: { readonly json?: boolean; readonly ignoreTimes?: boolean },
  terminal: Terminal,
): Promise<number> {
  const [before = "", after = ""] = operands;
  await using first = await openAnyImage(before, terminal.folder);
  await using second = await openAnyImage(after, terminal.folder);
  const changes = await diffTrees(first.tree, second.tree, {
    ignoreTimes: flags.ignoreTimes === true,
  });
  terminal.stdout.write(
    flags.json === true ? `${JSON.stringify(changes.map(asData))}\n` : changes.map(asText).join(""),
  );
  return changes.length === 0 ? 0 : different;
}

/** `+` and `-` for what only one image has, `M` and in what they differ for the rest. */
function asText(change: TreeChange): string {
  const path = `/${displayName(change.path)}`;
  if (change.kind !== "changed") {
    return `${change.kind === "added" ? "+" : "-"} ${path} (${change.node.type})\n`;
  }
  const parts = change.parts.map((part) => {
    const [was, is] = [valueOf(part, change.before), valueOf(part, change.after)];
    return was === undefined || is === undefined ? part : `${part} ${was} -> ${is}`;
  });
  return `M ${path} (${parts.join(", ")})\n`;
}

function asData(change: TreeChange): object {
  const path = `/${displayName(change.path)}`;
  if (change.kind !== "changed") return { kind: change.kind, path, type: change.node.type };
  const parts = change.parts.map((part) => ({
    part,
    before: valueOf(part, change.before),
    after: valueOf(part, change.after),
  }));
  return { kind: "changed", path, parts };
}

/** What a part is in a node, for people; undefined where it is too long to be shown. */
function valueOf(
  part: Extract<TreeChange, { kind: "changed" }>["parts"][number],
  node: Node,
): string | undefined {
  switch (part) {
    case "type":
      return node.type;
    case "mode":
      return node.mode.toString(8).padStart(4, "0");
    case "owner":
      return `${node.uid}:${node.gid}`;
    case "time":
      return new Date(node.mtimeSeconds * 1000).toISOString().replace(".000Z", "Z");
    case "size":
      return node.type === "file" ? String(node.sizeBytes) : undefined;
    case "target":
      return node.type === "symlink" ? displayName(node.target) : undefined;
    case "device":
      return "major" in node ? `${node.major}:${node.minor}` : undefined;
    case "content":
    case "xattrs":
    case "links":
      return undefined;
    default:
      return part satisfies never;
  }
}
