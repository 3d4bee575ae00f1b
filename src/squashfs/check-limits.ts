import { displayName, type ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";
import type { Node } from "../model/node.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import { limits } from "./format.ts";

/**
 * Refuses a tree that the format can't hold, before the long work begins.
 * @throws {FormatError} `squashfs/limit`, naming the path
 */
export function checkLimits(tree: FileTree): void {
  const owners = new Set<number>();
  const stack: [ByteString, Directory][] = [["", tree.root]];
  checkNode("", tree.root.node, owners);
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [prefix, directory] = top;
    for (const [name, child] of directory.children) {
      const path = prefix + name;
      if (name.length === 0 || name.length > limits.nameBytes || /^\.\.?$|[/\0]/.test(name)) {
        throw limit(`/${displayName(path)} has a name that no file can have`, {
          hint: `names have 1 to ${limits.nameBytes} bytes and no slash or NUL`,
        });
      }
      if (child instanceof Directory) {
        checkNode(path, child.node, owners);
        stack.push([`${path}/`, child]);
      } else checkNode(path, child, owners);
    }
  }
}

function checkNode(path: ByteString, node: Node, owners: Set<number>): void {
  checkOwner(path, node.uid, owners);
  checkOwner(path, node.gid, owners);
  for (const [name, value] of node.xattrs ?? []) {
    if (name.length > limits.xattrNameBytes || value.length > limits.xattrValueBytes) {
      throw limit(
        `/${displayName(path)} has an extended attribute ${displayName(name.slice(0, 300))} of ${value.length} bytes`,
        {
          hint: `names have at most ${limits.xattrNameBytes} bytes, values ${limits.xattrValueBytes}`,
        },
      );
    }
  }
  if (node.type === "symlink") {
    if (node.target.length === 0 || node.target.length > limits.symlinkBytes) {
      throw limit(`the symlink /${displayName(path)} has a target of ${node.target.length} bytes`, {
        hint: `targets have 1 to ${limits.symlinkBytes} bytes`,
      });
    }
  } else if ("major" in node) {
    if (!isWithin(node.major, limits.major) || !isWithin(node.minor, limits.minor)) {
      throw limit(`the device /${displayName(path)} has the number ${node.major}:${node.minor}`, {
        hint: `an image holds numbers up to ${limits.major}:${limits.minor}`,
      });
    }
  }
}

function checkOwner(path: ByteString, id: number, owners: Set<number>): void {
  if (owners.has(id)) return;
  if (!isWithin(id, limits.id)) {
    throw limit(`/${displayName(path)} belongs to ${id}, which is not a user or group number`, {
      hint: `user and group numbers go from 0 to ${limits.id}`,
    });
  }
  if (owners.size >= limits.ids) {
    throw limit(
      `/${displayName(path)} has the ${limits.ids + 1}th owner; an image holds ${limits.ids} distinct users and groups`,
      { hint: "give files of many owners to one" },
    );
  }
  owners.add(id);
}

function isWithin(value: number, highest: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= highest;
}

function limit(message: string, options: { readonly hint: string }): FormatError {
  return new FormatError("squashfs/limit", message, options);
}
