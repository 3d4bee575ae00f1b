// Writes the nasty tree into a folder and prints the error.

import { writeFolder } from "../../src/folder/write-folder.ts";
import { TsbuildError } from "../../src/model/error.ts";
import { nastyTree } from "../helpers/nasty-tree.ts";

const [folder = ""] = process.argv.slice(2);
try {
  await writeFolder(nastyTree(), folder);
  process.stdout.write("{}");
} catch (error) {
  if (!(error instanceof TsbuildError)) throw error;
  const { code, message, hint } = error;
  process.stdout.write(JSON.stringify({ code, message, hint }));
}
