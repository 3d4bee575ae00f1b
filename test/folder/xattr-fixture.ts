// Prints the extended attributes of a file that would go into an image.

import { readXattrs } from "../../src/folder/read-xattrs.ts";

const [file = ""] = process.argv.slice(2);
const xattrs = readXattrs(Buffer.from(`${file}\0`)) ?? new Map<string, Uint8Array>();
const shown = [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString("hex")]);
process.stdout.write(JSON.stringify(Object.fromEntries(shown)));
