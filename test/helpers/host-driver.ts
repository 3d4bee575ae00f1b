// Run as a program, by whatever user: adds words to a host tree and prints its paths, or the error's code, as JSON.

import { HostPrograms } from "../../src/source/host-programs.ts";
import { TsbuildError } from "../../src/model/error.ts";
import { FileTree } from "../../src/tree/file-tree.ts";

const tree = new FileTree();
const warnings: string[] = [];
const programs = new HostPrograms(tree, {
  searchFolders: [],
  timeSeconds: 0,
  onWarning: (code) => warnings.push(code),
});
try {
  for (const word of process.argv.slice(2)) programs.add(word);
  console.log(JSON.stringify({ paths: [...tree.walk()].map(({ path }) => path), warnings }));
} catch (error) {
  if (!(error instanceof TsbuildError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
