import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { outputFormat } from "../../src/packer/output-format.ts";
import { packSif } from "../../src/packer/pack-sif.ts";
import { parseCompression } from "../../src/squashfs/compression.ts";
import { nastyTree, textFile } from "../helpers/nasty-tree.ts";
import { scratch } from "../helpers/scratch.ts";

/** Whoever changes one of these raises the number of the output format, and says in the changelog what is new. */
const contract = {
  format: 2,
  fast: "9760753ba06f74649cc2ae19ded80a1d7455a2c259123dc8e3e2e141b1ff8a3f",
  balanced: "dae50447499c3f4ed948f446ad51e3f9d49456cdf802e07e3d5883dc2c55f62a",
  small: "3fb06da1765ca9cc0a6bf8ea56326a2abf41ed80eef8f45fefb0ce4573a1972a",
  none: "6c3f71ef703ff6de30e5bde2c8510d9a14753fc8558098948cab6919ed08d0e2",
};

test("the same bytes come out as long as the number of the output format is the same", async (t) => {
  const folder = await scratch(t);
  const tree = nastyTree();
  for (let index = 0; index < 40; index += 1) {
    const lines = Array.from({ length: 2500 * (index % 9) }, (_, at) => `${index} ${at % 977}\n`);
    tree.put(`many/d${index % 5}/f${index}`, textFile(lines.join("")));
  }
  const hashes: Record<string, string> = {};
  for (const name of ["fast", "balanced", "small", "none"]) {
    const image = join(folder, `${name}.sif`);
    await packSif(tree, image, {
      definition: Buffer.from("Bootstrap: scratch\n"),
      objects: [],
      architecture: "amd64",
      timeSeconds: 1_700_000_000,
      uuid: "from-content",
      compression: parseCompression(name),
      force: false,
      workers: 2,
    });
    hashes[name] = createHash("sha256").update(readFileSync(image)).digest("hex");
  }
  t.deepEqual({ format: outputFormat, ...hashes }, contract);
});
