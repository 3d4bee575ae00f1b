import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SourceError } from "../model/error.ts";
import { platformOf } from "../model/platform.ts";
import { makeHostRoot, requireProgram, wordsOf } from "./host-root.ts";
import { rpmHome } from "./rpm-home.ts";
import type { ImageSource } from "./source.ts";

const managers = ["dnf", "yum"] as const;
const configuration = "etc/bootstrap-yum.conf";

/** Scriptlets of packages write to these; the image has more when it runs. */
const script = `
mkdir -p "$APPTAINER_ROOTFS/etc" "$APPTAINER_ROOTFS/dev"
cp "$CONFIGURATION" "$APPTAINER_ROOTFS/${configuration}"
mknod -m 666 "$APPTAINER_ROOTFS/dev/null" c 1 3
mknod -m 666 "$APPTAINER_ROOTFS/dev/random" c 1 8
mknod -m 666 "$APPTAINER_ROOTFS/dev/urandom" c 1 9
mknod -m 666 "$APPTAINER_ROOTFS/dev/zero" c 1 5
[ -z "$GPG_KEY" ] || rpm --root "$APPTAINER_ROOTFS" --import "$GPG_KEY"
"$MANAGER" --noplugins -c "$APPTAINER_ROOTFS/${configuration}" --installroot "$APPTAINER_ROOTFS" \\
  \${OSVERSION:+"--releasever=$OSVERSION"} \${RPM_ARCHITECTURE:+"--forcearch=$RPM_ARCHITECTURE"} -y \${SETOPT:+--setopt "$SETOPT"} \\
  install /etc/redhat-release coreutils $PACKAGES
rm -rf "$APPTAINER_ROOTFS/var/cache/yum-bootstrap"
`;

/** Go's names → rpm's. */
const architectures: Readonly<Record<string, string>> = {
  amd64: "x86_64",
  arm64: "aarch64",
  "386": "i686",
  arm: "armv7hl",
};

/** A new installation of Fedora, Rocky Linux or a relative, made by this machine's dnf or yum. */
export const yumSource: ImageSource = {
  names: ["yum", "dnf"],
  keywords: [
    {
      name: "mirrorurl",
      required: true,
      meaning: "the repository; %{OSVERSION} in it is filled in",
    },
    { name: "osversion", required: false, meaning: "the release" },
    { name: "updateurl", required: false, meaning: "a second repository" },
    { name: "include", required: false, meaning: "further packages" },
    { name: "setopt", required: false, meaning: "an option of dnf, as --setopt takes it" },
  ],
  summary: "A new installation of Fedora, Rocky Linux or a relative, by dnf or yum.",
  runsPrograms: true,
  async open(header, context) {
    const agent = header.get("bootstrap") ?? "dnf";
    const manager = requireProgram(managers, agent);
    requireProgram("rpm", agent);
    const version = header.get("osversion") ?? "";
    const gpg = process.env["GPG"] ?? "";
    if (gpg !== "" && !gpg.startsWith("https://")) {
      throw new SourceError(
        "source/bad-key-address",
        `the key that GPG names, ${gpg}, is not at an https:// address`,
        {
          hint: "name the key by an https:// address, or unset GPG to check no signatures",
        },
      );
    }
    const folder = await mkdtemp(join(context.temporaryFolder, "dnf-"));
    const file = join(folder, "yum.conf");
    await writeFile(file, configurationOf(header, version, gpg !== ""));
    return makeHostRoot(
      {
        agent,
        name: manager.split("/").at(-1) ?? agent,
        programs: [],
        script,
        variables: {
          ...(await rpmHome(folder, context.signal)),
          MANAGER: manager,
          CONFIGURATION: file,
          GPG_KEY: gpg,
          OSVERSION: version,
          RPM_ARCHITECTURE: foreignArchitecture(context.platform.architecture),
          SETOPT: header.get("setopt") ?? "",
          PACKAGES: wordsOf(header.get("include"), process.env["INCLUDE"]).join(" "),
          LC_ALL: "C",
        },
        hint: "check MirrorURL and OSVersion: the repository must hold /etc/redhat-release and coreutils",
      },
      context,
    );
  },
};

/** What to tell dnf where the image is for another machine than this one; old versions of yum don't know the option. */
function foreignArchitecture(architecture: string): string {
  if (architecture === platformOf(process.arch).architecture) return "";
  return architectures[architecture] ?? architecture;
}

/** @throws {SourceError} `source/needs-version` */
function configurationOf(
  header: ReadonlyMap<string, string>,
  version: string,
  checks: boolean,
): string {
  const filled = (keyword: string) => {
    const url = header.get(keyword) ?? "";
    if (version === "" && /%\{OSVERSION\}/i.test(url)) {
      throw new SourceError(
        "source/needs-version",
        `${url} needs a release, and there is no OSVersion`,
        {
          hint: "add a line OSVersion: 9, say",
        },
      );
    }
    return url.replaceAll(/%\{OSVERSION\}/gi, version);
  };
  const updates = filled("updateurl");
  const repository = (name: string, url: string) => [
    `[${name}]`,
    `name=${name}`,
    `baseurl=${url}`,
    "enabled=1",
    `gpgcheck=${checks ? 1 : 0}`,
    "",
  ];
  return [
    "[main]",
    "cachedir=/var/cache/yum-bootstrap",
    "keepcache=0",
    "debuglevel=2",
    "logfile=/var/log/yum.log",
    "obsoletes=1",
    `gpgcheck=${checks ? 1 : 0}`,
    "plugins=0",
    "reposdir=/dev/null",
    "",
    ...repository("base", filled("mirrorurl")),
    ...(updates === "" ? [] : repository("updates", updates)),
  ].join("\n");
}
