import { resolve } from "node:path";
import { UsageError } from "../model/error.ts";
import { describeHeader, describeObject, describeObjects } from "../sif/describe.ts";
import { SifFile } from "../sif/sif-file.ts";
import type { Terminal } from "./terminal.ts";

/** What `tsbuild sif` can show, with the operands that it takes. */
const views: Readonly<
  Record<string, (image: SifFile, id: number, terminal: Terminal) => void | Promise<void>>
> = {
  list(image, _, { stdout }) {
    stdout.write(describeObjects(image.objects));
  },
  header(image, _, { stdout }) {
    stdout.write(describeHeader(image.header));
  },
  info(image, id, { stdout }) {
    stdout.write(describeObject(image.objectById(id)));
  },
  async dump(image, id, { stdout }) {
    for await (const piece of image.streamObject(image.objectById(id))) stdout.write(piece);
  },
};

const withId = ["info", "dump"];

/** `tsbuild sif list|header IMAGE`, `tsbuild sif info|dump ID IMAGE`: the parts of a SIF file, in siftool's order and form. */
export async function sifCommand(
  operands: readonly string[],
  _flags: object,
  terminal: Terminal,
): Promise<number> {
  const [view = "", ...rest] = operands;
  const show = Object.hasOwn(views, view) ? views[view] : undefined;
  const [image, id] = withId.includes(view) ? [rest[1], rest[0]] : [rest[0], undefined];
  const wanted = withId.includes(view) ? 2 : 1;
  if (show === undefined || image === undefined || rest.length !== wanted) throw wrong();
  if (id !== undefined && !/^\d{1,10}$/.test(id)) throw wrong();
  await using file = await SifFile.read(resolve(terminal.folder, image));
  await show(file, Number(id ?? 0), terminal);
  return 0;
}

function wrong(): UsageError {
  return new UsageError(
    "usage/operands",
    "sif takes list or header and IMAGE, or info or dump, ID and IMAGE",
    {
      hint: "tsbuild sif list app.sif shows the ids",
    },
  );
}
