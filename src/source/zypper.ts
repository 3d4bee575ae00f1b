import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { SourceError } from "../model/error.ts";
import { makeHostRoot, requireProgram, wordsOf } from "./host-root.ts";
import { rpmHome } from "./rpm-home.ts";
import type { ImageSource } from "./source.ts";

/** 107 is zypper's word for scripts of packages that failed while the packages are there. */
const script = `
mkdir -p "$APPTAINER_ROOTFS/dev"
mknod -m 666 "$APPTAINER_ROOTFS/dev/null" c 1 3
mknod -m 666 "$APPTAINER_ROOTFS/dev/random" c 1 8
mknod -m 666 "$APPTAINER_ROOTFS/dev/urandom" c 1 9
mknod -m 666 "$APPTAINER_ROOTFS/dev/zero" c 1 5
zypper() {
  command zypper --non-interactive --gpg-auto-import-keys --root "$APPTAINER_ROOTFS" \\
    \${OSVERSION:+--releasever "$OSVERSION"} "$@"
}
number=0
for repository in $REPOSITORIES; do
  zypper addrepo "$repository" "$(echo $NAMES | cut -d ' ' -f $((number += 1)))"
done
zypper refresh
install() {
  status=0
  zypper install --auto-agree-with-licenses --download-in-advance "$@" || status=$?
  case $status in
  0) ;;
  107) echo "zypper: scripts of some packages failed; the packages are there" ;;
  *) return "$status" ;;
  esac
}
install aaa_base
[ -z "$PACKAGES" ] || install $PACKAGES
rm -rf "$APPTAINER_ROOTFS/var/cache/zypp"
`;

/** Keywords of the registration of SUSE Linux Enterprise. */
const registration = ["product", "user", "regcode", "productpgp", "registerurl", "modules"];
const mostRepositories = 20;
const otherRepositories = Array.from(
  { length: mostRepositories },
  (_, index) => `otherurl${index}`,
);

/** A new installation of openSUSE or a relative, made by this machine's zypper. */
export const zypperSource: ImageSource = {
  names: ["zypper"],
  keywords: [
    {
      name: "mirrorurl",
      required: true,
      meaning: "the repository; %{OSVERSION} in it is filled in",
    },
    { name: "osversion", required: false, meaning: "the release" },
    { name: "updateurl", required: false, meaning: "a second repository" },
    { name: "include", required: false, meaning: "further packages" },
    {
      name: "otherurl0",
      required: false,
      meaning: "one more repository; OtherURL1, OtherURL2 … follow",
    },
  ],
  summary: "A new installation of openSUSE or a relative, by zypper.",
  runsPrograms: true,
  async open(header, context) {
    const registers = registration.filter((keyword) => (header.get(keyword) ?? "") !== "");
    if (registers.length > 0) {
      throw new SourceError(
        "source/suse-registration",
        `the registration of SUSE Linux Enterprise (${registers.join(", ")}) is not done here`,
        {
          hint: "start from SUSE's own image, Bootstrap: docker with From: registry.suse.com/bci/bci-base, which uses the registration of the machine; or name a repository of your own with MirrorURL",
        },
      );
    }
    const version = header.get("osversion") ?? "";
    const repositories = repositoriesOf(header).map(([name, url]) => {
      if (version === "" && /%\{OSVERSION\}/i.test(url)) {
        throw new SourceError(
          "source/needs-version",
          `${url} needs a release, and there is no OSVersion`,
          { hint: "add a line OSVersion: 15.6, say" },
        );
      }
      return [name, url.replaceAll(/%\{OSVERSION\}/gi, version)] as const;
    });
    for (const program of ["zypper", "rpm"]) requireProgram(program, "zypper");
    const folder = await mkdtemp(join(context.temporaryFolder, "zypper-"));
    return makeHostRoot(
      {
        agent: "zypper",
        name: "zypper",
        programs: [],
        script,
        variables: {
          ...(await rpmHome(folder, context.signal)),
          NAMES: repositories.map(([name]) => name).join(" "),
          REPOSITORIES: repositories.map(([, url]) => url).join(" "),
          OSVERSION: version,
          PACKAGES: wordsOf(header.get("include"), process.env["INCLUDE"]).join(" "),
          LC_ALL: "C",
        },
        hint: "check MirrorURL and OSVersion: the repository must hold aaa_base",
      },
      context,
    );
  },
};

/** Names as Apptainer gives them, in its order. */
function repositoriesOf(
  header: ReadonlyMap<string, string>,
): (readonly [name: string, url: string])[] {
  const named = [
    ["repo", header.get("mirrorurl")],
    ["update", header.get("updateurl")],
    ...otherRepositories.map((name, index) => [`repo-${index}`, header.get(name)] as const),
  ] as const;
  return named.flatMap(([name, url]) => (url === undefined || url === "" ? [] : [[name, url]]));
}
