// Reads a folder and prints its paths, or the error.

import { readFolder } from "../../src/folder/read-folder.ts";
import { TsbuildError } from "../../src/model/error.ts";

const [folder = ""] = process.argv.slice(2);
try {
  const tree = await readFolder(folder);
  const paths = [...tree.walk()].map(({ path }) => path);
  process.stdout.write(JSON.stringify({ paths }));
} catch (error) {
  if (!(error instanceof TsbuildError)) throw error;
  process.stdout.write(JSON.stringify({ code: error.code, message: error.message }));
}
