import { UsageError } from "../model/error.ts";
import { makeHostRoot, wordsOf } from "./host-root.ts";
import type { ImageSource } from "./source.ts";

/** Go's names → Debian's, where they differ. */
const architectures: Readonly<Record<string, string>> = {
  "386": "i386",
  arm: "armhf",
  ppc64le: "ppc64el",
  mipsle: "mipsel",
  mips64le: "mips64el",
};

/** Options and values go in as variables, so that no shell reads them. */
const script = `
debootstrap --variant=minbase --exclude=openssl,udev,debconf-i18n,e2fsprogs \\
  "--include=$PACKAGES" "--arch=$DEBIAN_ARCHITECTURE" "$OSVERSION" "$APPTAINER_ROOTFS" "$MIRRORURL" || {
  tail -n 15 "$APPTAINER_ROOTFS/debootstrap/debootstrap.log"
  exit 1
} 2> /dev/null
chmod 755 "$APPTAINER_ROOTFS"
`;

/** A new installation of Debian, Ubuntu or a relative, made by this machine's debootstrap. */
export const debootstrapSource: ImageSource = {
  names: ["debootstrap"],
  keywords: [
    { name: "mirrorurl", required: true, meaning: "the archive, http://HOST/debian say" },
    { name: "osversion", required: true, meaning: "the release: bookworm, noble …" },
    { name: "include", required: false, meaning: "further packages" },
  ],
  summary: "A new installation of Debian or a relative, by debootstrap.",
  runsPrograms: true,
  open: (header, context) =>
    makeHostRoot(
      {
        agent: "debootstrap",
        name: "debootstrap",
        programs: ["debootstrap"],
        script,
        variables: {
          PACKAGES: ["apt", ...wordsOf(header.get("include"), process.env["INCLUDE"])].join(","),
          DEBIAN_ARCHITECTURE: debianArchitecture(context.platform.architecture),
          OSVERSION: plainWord("OSVersion", header.get("osversion") ?? ""),
          MIRRORURL: plainWord("MirrorURL", header.get("mirrorurl") ?? ""),
          DEBIAN_FRONTEND: "noninteractive",
          LC_ALL: "C",
        },
        hint: "check MirrorURL and OSVersion, and that this machine's debootstrap knows the release",
      },
      context,
    ),
};

function debianArchitecture(architecture: string): string {
  return architectures[architecture] ?? architecture;
}

/** A value that stands alone on a command line must not look like an option. @throws {UsageError} `usage/header-value` */
export function plainWord(keyword: string, value: string): string {
  if (!value.startsWith("-") && !/\s/.test(value)) return value;
  throw new UsageError("usage/header-value", `${keyword}: ${value} is no single value`, {
    hint: "write one word that doesn't start with a dash",
  });
}
