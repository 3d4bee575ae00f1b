// Writes the nasty tree into a folder, reads it back with the ledger, and prints what came of it. Run as various users.

import { utimesSync, writeFileSync } from "node:fs";
import { readFolder } from "../../src/folder/read-folder.ts";
import { Ledger } from "../../src/folder/ledger.ts";
import { removeFolderTree } from "../../src/system/remove-folder-tree.ts";
import { writeFolder } from "../../src/folder/write-folder.ts";
import { nastyTree } from "../helpers/nasty-tree.ts";
import { treeEntries } from "../helpers/tree-entries.ts";

const [folder = "", owner] = process.argv.slice(2);
const written = await writeFolder(nastyTree(JSON.parse(owner ?? "{}") as object), folder);
const ledger = Ledger.fromJSON(JSON.parse(JSON.stringify(written)));
// What the ledger doesn't know is taken for root's, as it is where a plain user stands for root.
const rootOwner = { uid: 0, gid: 0 };
const options = {
  ledger,
  makeReadable: true,
  ...(process.geteuid?.() === 0 ? {} : { owner: rootOwner }),
};
const tree = await readFolder(folder, options);
writeFileSync(`${folder}/made-by-a-script`, "");
utimesSync(folder, 1_000_000_000, 1_000_000_000);
const entries = await treeEntries(tree);
const again = await treeEntries(await readFolder(folder, options));
await removeFolderTree(folder);
process.stdout.write(JSON.stringify({ entries, again, remembered: ledger.size }));
