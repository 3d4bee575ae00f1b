import { SourceError, UsageError } from "../model/error.ts";
import { downloadWithProgress, withClient } from "./fetched-image.ts";
import { makeHostRoot, wordsOf } from "./host-root.ts";
import type { ImageSource, SourceContext } from "./source.ts";

/** The keys that packages are signed with are made in the new root, as its pacman wants them. */
const script = `
pacstrap -C "$CONFIGURATION" -G -M "$APPTAINER_ROOTFS" $PACKAGES
rm -rf "$APPTAINER_ROOTFS"/var/cache/pacman/pkg/*
if [ -x "$APPTAINER_ROOTFS/usr/bin/pacman-key" ]; then
  arch-chroot "$APPTAINER_ROOTFS" /bin/sh -c 'pacman-key --init && pacman-key --populate archlinux'
fi
`;

/** A new installation of Arch Linux, made by this machine's pacstrap. */
export const archSource: ImageSource = {
  names: ["arch"],
  keywords: [
    { name: "confurl", required: false, meaning: "the address of a pacman.conf to go by" },
    { name: "include", required: false, meaning: "packages to install in the place of base" },
  ],
  summary: "A new installation of Arch Linux, by pacstrap.",
  runsPrograms: true,
  async open(header, context) {
    const { architecture } = context.platform;
    if (architecture !== "amd64") {
      throw new UsageError(
        "usage/architecture",
        `Arch Linux is for amd64 only, not for ${architecture}`,
        {
          hint: "leave --arch out, or use another distribution",
        },
      );
    }
    const packages = wordsOf(header.get("include"), process.env["INCLUDE"]);
    return makeHostRoot(
      {
        agent: "arch",
        name: "pacstrap",
        programs: ["pacstrap", "pacman", "arch-chroot"],
        script,
        variables: {
          CONFIGURATION: await configuration(header.get("confurl") ?? "", context),
          PACKAGES: packages.length === 0 ? "base" : packages.join(" "),
          LC_ALL: "C",
        },
        hint: "pacman.conf must name repositories and mirrors of Arch Linux: this machine's, or the one that ConfURL names",
      },
      context,
    );
  },
};

/** The file that ConfURL names, or this machine's own. @throws {SourceError} `source/bad-address` */
async function configuration(address: string, context: SourceContext): Promise<string> {
  if (address === "") return "/etc/pacman.conf";
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new SourceError("source/bad-address", `ConfURL: ${address} is no web address`, {
      hint: "write the whole address: https://HOST/PATH/pacman.conf",
    });
  }
  const { writeTemporaryFile } = await import("../oci/temporary-file.ts");
  return withClient(context, `fetch ${url.href}`, (client) =>
    writeTemporaryFile(
      context.temporaryFolder,
      downloadWithProgress(client, { url, what: url.href }, context),
      url.href,
    ),
  );
}
