import { chmod } from "node:fs/promises";
import { toByteString } from "../model/bytes-path.ts";
import type { FileNode } from "../model/node.ts";
import { downloadWithProgress, withClient } from "./fetched-image.ts";
import { makeHostRoot } from "./host-root.ts";
import { SourceError } from "../model/error.ts";
import type { ImageSource, SourceContext } from "./source.ts";

/** In the new root and not on the machine, where Apptainer runs what it has just fetched. */
const script = `
mkdir -p "$APPTAINER_ROOTFS/bin"
cp "$BUSYBOX" "$APPTAINER_ROOTFS/bin/busybox"
chmod 755 "$APPTAINER_ROOTFS/bin/busybox"
chroot "$APPTAINER_ROOTFS" /bin/busybox --install /bin
`;

/** A root file system of a single program, BusyBox, under all its names. */
export const busyboxSource: ImageSource = {
  names: ["busybox"],
  keywords: [
    { name: "mirrorurl", required: true, meaning: "the address of a static busybox program" },
  ],
  summary: "BusyBox alone, fetched as a program.",
  runsPrograms: true,
  async open(header, context) {
    const base = await makeHostRoot(
      {
        agent: "busybox",
        name: "busybox",
        programs: [],
        script,
        variables: { BUSYBOX: await fetchProgram(header.get("mirrorurl") ?? "", context) },
        hint: "the program must be static and for this machine",
      },
      context,
    );
    const text = (content: string): FileNode => {
      const bytes = Buffer.from(content);
      return {
        type: "file",
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtimeSeconds: context.timeSeconds,
        sizeBytes: bytes.length,
        content: { kind: "bytes", bytes },
      };
    };
    base.tree.put(toByteString("etc/passwd"), text("root:!:0:0:root:/root:/bin/sh\n"));
    base.tree.put(toByteString("etc/group"), text("root:x:0:\n"));
    return base;
  },
};

async function fetchProgram(address: string, context: SourceContext): Promise<string> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new SourceError("source/bad-address", `${address} is no address of a file`, {
      hint: "MirrorURL names a static busybox on a web server: https://HOST/PATH/busybox",
    });
  }
  const { writeTemporaryFile } = await import("../oci/temporary-file.ts");
  return withClient(context, `fetch ${url.href}`, async (client) => {
    const chunks = downloadWithProgress(client, { url, what: url.href }, context);
    const file = await writeTemporaryFile(context.temporaryFolder, chunks, url.href);
    await chmod(file, 0o755);
    return file;
  });
}
