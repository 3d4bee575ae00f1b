// Copies a file of this machine into a tree and prints the error.

import { copyFromHost } from "../../src/copy/copy-from-host.ts";
import { ScriptError } from "../../src/model/error.ts";
import { FileTree } from "../../src/tree/file-tree.ts";

const [folder = "", source = ""] = process.argv.slice(2);
const location = { file: "d.def", line: 1, column: 1, length: 1 };
try {
  const line = { source, destination: "/x", location };
  await copyFromHost(new FileTree(), [line], { folder, timeSeconds: 0 });
  process.stdout.write("{}");
} catch (error) {
  if (!(error instanceof ScriptError)) throw error;
  process.stdout.write(JSON.stringify({ code: error.code, message: error.message }));
}
