import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { unreadable } from "../contents/read-host-file.ts";
import { HostError, UsageError } from "../model/error.ts";
import { editSif } from "../packer/edit-sif.ts";
import { newSif } from "../packer/new-sif.ts";
import { addObject } from "../sif/add-object.ts";
import { deleteObject } from "../sif/delete-object.ts";
import { describeHeader, describeObject, describeObjects } from "../sif/describe.ts";
import { setPrimary } from "../sif/set-primary.ts";
import { SifFile } from "../sif/sif-file.ts";
import { writeAt } from "../sif/write-at.ts";
import { buildTime } from "./settings.ts";
import { readSifObjectFlags, type SifObjectFlags } from "./sif-object-flags.ts";
import type { Terminal } from "./terminal.ts";

/** What an action of `tsbuild sif` is called with. */
interface Call {
  /** The path of the image. */
  readonly path: string;
  readonly id: number;
  /** The path of the file that `add` takes. */
  readonly file: string;
  readonly flags: SifObjectFlags;
  readonly terminal: Terminal;
  readonly nowSeconds: number;
}

type Operand = "IMAGE" | "ID" | "FILE";

interface Action {
  /** In siftool's order. */
  readonly operands: readonly Operand[];
  readonly run: (call: Call) => Promise<void>;
}

/** What shows something of an image that it reads. */
function view(
  operands: Action["operands"],
  show: (image: SifFile, call: Call) => void | Promise<void>,
): Action {
  return {
    operands,
    async run(call) {
      await using image = await SifFile.read(call.path);
      await show(image, call);
    },
  };
}

const actions: Readonly<Record<string, Action>> = {
  list: view(["IMAGE"], (image, { terminal }) => {
    terminal.stdout.write(describeObjects(image.objects));
  }),
  header: view(["IMAGE"], (image, { terminal }) => {
    terminal.stdout.write(describeHeader(image.header));
  }),
  info: view(["ID", "IMAGE"], (image, { id, terminal }) => {
    terminal.stdout.write(describeObject(image.objectById(id)));
  }),
  dump: view(["ID", "IMAGE"], async (image, { id, terminal }) => {
    for await (const piece of image.streamObject(image.objectById(id))) {
      terminal.stdout.write(piece);
    }
  }),
  new: {
    operands: ["IMAGE"],
    run: ({ path, nowSeconds }) => newSif(path, nowSeconds),
  },
  add: { operands: ["IMAGE", "FILE"], run: add },
  del: {
    operands: ["ID", "IMAGE"],
    run: ({ path, id, nowSeconds }) =>
      editSif(path, async (image) => deleteObject(image, id, nowSeconds)),
  },
  setprim: {
    operands: ["ID", "IMAGE"],
    run: ({ path, id, nowSeconds }) =>
      editSif(path, async (image) => setPrimary(image, id, nowSeconds)),
  },
};

async function add({ path, file, flags, nowSeconds }: Call): Promise<void> {
  await using source = await open(file, "r").catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  const stats = await source.stat();
  if (!stats.isFile()) {
    throw new UsageError("usage/not-a-file", `${file} is not a file`, {
      hint: "an object of an image is made of one file; pack a folder with tar or mksquashfs first",
    });
  }
  const pieces = () => source.createReadStream({ start: 0, end: stats.size - 1, autoClose: false });
  const sizeBytes = stats.size;
  const object = await readSifObjectFlags(flags, { sizeBytes, pieces });
  await editSif(path, async (image, copy) => {
    const { offset, patches } = addObject(image, object, nowSeconds);
    let written = 0;
    if (sizeBytes > 0) {
      for await (const piece of pieces() as AsyncIterable<Buffer>) {
        await writeAt(copy, piece, offset + written);
        written += piece.length;
      }
    }
    if (written !== sizeBytes) {
      throw new HostError("host/file-changed", `${file} changed while it was read`, {
        hint: "wait until nobody writes to it",
      });
    }
    return patches;
  });
}

/**
 * `tsbuild sif list|header|new IMAGE`, `info|dump|del|setprim ID IMAGE`, `add IMAGE FILE`: the parts of a SIF file, in
 * siftool's order and form.
 */
export async function sifCommand(
  operands: readonly string[],
  flags: SifObjectFlags,
  terminal: Terminal,
): Promise<number> {
  const [name = "", ...given] = operands;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined || given.length !== action.operands.length) throw wrong();
  const operand = (kind: Operand) => given[action.operands.indexOf(kind)] ?? "";
  const id = operand("ID");
  if (action.operands.includes("ID") && !/^\d{1,10}$/.test(id)) throw wrong();
  await action.run({
    path: resolve(terminal.folder, operand("IMAGE")),
    id: Number(id),
    file: resolve(terminal.folder, operand("FILE")),
    flags,
    terminal,
    nowSeconds: buildTime(undefined, terminal.environment).seconds,
  });
  return 0;
}

function wrong(): UsageError {
  const forms = Object.entries(actions).map(([name, { operands }]) =>
    [name, ...operands].join(" "),
  );
  return new UsageError("usage/operands", `sif takes one of: ${forms.join(", ")}`, {
    hint: "tsbuild sif list app.sif shows the ids",
  });
}
