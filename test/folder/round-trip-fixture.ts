// Writes the nasty tree into a folder, reads it back with the ledger, and prints what came of it. Run as various users.

import { readFolder } from "../../src/folder/read-folder.ts";
import { Ledger } from "../../src/folder/ledger.ts";
import { removeFolder } from "../../src/folder/remove-folder.ts";
import { writeFolder } from "../../src/folder/write-folder.ts";
import { nastyTree } from "../helpers/nasty-tree.ts";
import { treeEntries } from "../helpers/tree-entries.ts";

const [folder = ""] = process.argv.slice(2);
const written = await writeFolder(nastyTree(), folder);
const ledger = Ledger.fromJSON(JSON.parse(JSON.stringify(written)));
const tree = await readFolder(folder, { ledger, makeReadable: true });
const entries = await treeEntries(tree);
const again = await treeEntries(await readFolder(folder, { ledger, makeReadable: true }));
await removeFolder(folder);
process.stdout.write(JSON.stringify({ entries, again, remembered: ledger.size }));
